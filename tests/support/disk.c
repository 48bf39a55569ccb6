// A preloaded library that stands between a process and the files below $DISK_DIR. It writes what happens to them to
// $DISK_LOG, in order, so that a power cut at any moment can be played afterwards; and it lets a call fail when armed.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 4096 };

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_open)(const char *, int, ...);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_unlink)(const char *);
static int (*real_close)(int);

static const char *directory;
static size_t directory_length;
static int log_file = -1;
static char *names[FILES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

// The call that is to fail, counted from now; it alone, or every one from there on.
static long calls, failing_call = -1;
static int failing_errno, failing_on, half_written;

__attribute__((constructor)) static void begin(void) {
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_open = dlsym(RTLD_NEXT, "open64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    real_close = dlsym(RTLD_NEXT, "close");
    directory = getenv("DISK_DIR");
    directory_length = directory ? strlen(directory) : 0;
    const char *log = getenv("DISK_LOG");
    if (log) log_file = real_open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void record(char what, const char *name, uint64_t offset, const void *bytes, uint64_t size) {
    if (log_file < 0) return;
    char head[21];
    uint32_t length = strlen(name);
    head[0] = what;
    memcpy(head + 1, &length, 4);
    memcpy(head + 5, &offset, 8);
    memcpy(head + 13, &size, 8);
    pthread_mutex_lock(&lock);
    real_write(log_file, head, sizeof head);
    real_write(log_file, name, length);
    if (bytes && size) real_write(log_file, bytes, size);
    pthread_mutex_unlock(&lock);
}

static const char *within(const char *path) {
    if (!path || !directory || strncmp(path, directory, directory_length)) return NULL;
    if (!path[directory_length]) return ".";
    return path[directory_length] == '/' ? path + directory_length + 1 : NULL;
}

static const char *name_of(int file) { return file >= 0 && file < FILES ? names[file] : NULL; }

// Tells whether this call is to fail, and how.
static int fails(int can_be_halved) {
    long call = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    if (failing_call < 0 || call < failing_call || (call > failing_call && !failing_on)) return 0;
    if (call == failing_call && half_written && can_be_halved) {
        failing_call++;
        return 2;
    }
    errno = failing_errno;
    return 1;
}

// For the process itself: what it acknowledged, how many calls there were, which is to fail.
void disk_acknowledge(const char *text) { record('A', "", 0, text, strlen(text)); }
long disk_calls(void) { return calls; }
void disk_arm(long call, int error, int on, int half) {
    calls = 0;
    failing_errno = error;
    failing_on = on;
    half_written = half;
    failing_call = call;
}

static int open_file(const char *path, int flags, mode_t mode) {
    const char *name = within(path);
    int is_new = name && (flags & O_CREAT) && access(path, F_OK);
    if (name && (is_new || (flags & (O_WRONLY | O_RDWR))) && fails(0)) return -1;
    int file = real_open(path, flags, mode);
    if (file < 0 || file >= FILES) return file;
    free(names[file]);
    names[file] = name ? strdup(name) : NULL;
    if (is_new) record('C', name, 0, NULL, 0);
    else if (name && (flags & O_TRUNC)) record('T', name, 0, NULL, 0);
    return file;
}

#define OPEN(name)                                     \
    int name(const char *path, int flags, ...) {       \
        va_list more;                                  \
        va_start(more, flags);                         \
        mode_t mode = flags & O_CREAT ? va_arg(more, int) : 0; \
        va_end(more);                                  \
        return open_file(path, flags, mode);           \
    }
OPEN(open)
OPEN(open64)

int close(int file) {
    if (file >= 0 && file < FILES) {
        free(names[file]);
        names[file] = NULL;
    }
    return real_close(file);
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off_t offset) {
    const char *name = name_of(file);
    if (!name) return real_pwrite(file, bytes, size, offset);
    int failing = fails(size > 1);
    if (failing == 1) return -1;
    ssize_t written = real_pwrite(file, bytes, failing == 2 ? size / 2 : size, offset);
    if (written > 0) record('W', name, offset, bytes, written);
    return written;
}
ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) { return pwrite64(file, bytes, size, offset); }

ssize_t write(int file, const void *bytes, size_t size) {
    const char *name = name_of(file);
    if (!name) return real_write(file, bytes, size);
    off_t offset = lseek(file, 0, SEEK_CUR);
    int failing = fails(size > 1);
    if (failing == 1) return -1;
    ssize_t written = real_write(file, bytes, failing == 2 ? size / 2 : size);
    if (written > 0) record('W', name, offset, bytes, written);
    return written;
}

static int sync_file(int file, int (*sync)(int)) {
    const char *name = name_of(file);
    if (name && fails(0)) return -1;
    int result = sync(file);
    if (name && !result) record('S', name, 0, NULL, 0);
    return result;
}
int fsync(int file) { return sync_file(file, real_fsync); }
int fdatasync(int file) { return sync_file(file, real_fdatasync); }

int ftruncate64(int file, off_t size) {
    const char *name = name_of(file);
    if (name && fails(0)) return -1;
    int result = real_ftruncate(file, size);
    if (name && !result) record('T', name, size, NULL, 0);
    return result;
}
int ftruncate(int file, off_t size) { return ftruncate64(file, size); }

int unlink(const char *path) {
    const char *name = within(path);
    if (name && fails(0)) return -1;
    int result = real_unlink(path);
    if (name && !result) record('U', name, 0, NULL, 0);
    return result;
}
