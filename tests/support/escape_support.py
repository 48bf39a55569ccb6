"""What a terminal would obey: escape sequences and lone controls, as a message may hold them."""

import re

ESCAPES = (
    *("\x1b[31mred", "\x1b[0;1;5mblink", "\x1b[38;2;255;0;0mtrue colour", "\x1b[8mhidden", "\x1b[7minverse"),
    *("\x1b[2J", "\x1b[3J", "\x1b[H", "\x1b[1;1H", "\x1b[10A", "\x1b[999D", "\x1b[K", "\x1b[1K", "\x1b[2K"),
    *("\x1b[s\x1b[u", "\x1b7\x1b8", "\x1b[?1049h", "\x1b[?25l", "\x1b[?1000h", "\x1b[?2004l", "\x1b[201~rm -rf"),
    *("\x1b[6n", "\x1b[c", "\x1b[>c", "\x1b[5n", "\x1b[21t", "\x1b[18t", "\x1b[8;1;1t", "\x1bZ", "\x05"),
    *("\x1b]0;title\x07", "\x1b]2;title\x1b\\", "\x1b]52;c;cm0gLXJm\x07", "\x1b]8;;http://x\x07link\x1b]8;;\x07"),
    *("\x1b]10;?\x07", "\x1b]4;1;?\x07", "\x1b]1337;File=:AAAA\x07", "\x1b]777;notify;a;b\x07", "\x1b]P0000000"),
    *('\x1bP$q"p\x1b\\', "\x1bP+q544e\x1b\\", "\x1b_Gf=100;AAAA\x1b\\", "\x1b^pm\x1b\\", "\x1bXsos\x1b\\"),
    *("\x1bc", "\x1b#8", "\x1b(0lqqk", "\x1b)B\x0e", "\x0f", "\x1b[!p", "\x1b=", "\x1b>", "\x1b[1;2r"),
    *("\x9b31m", "\x9d0;title\x9c", "\x90q\x9c", "\x9f\x9c", "\x85", "\x84", "\x8d", "\x80"),
    *("abc\rxyz", "abc\b\b\bxyz", "\x07", "\x0b", "\x0c", "\x00", "\x7f", "\ta\t", "\x1a", "\x18", "\x1e"),
    *("\u202eexe.txt", "\u2066a\u2069", "\u2028line", "\u2029par", "\u061c", "\ud800", "\udc9b31m"),
)
# Everything but printable characters and the ends of lines.
HARMFUL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
