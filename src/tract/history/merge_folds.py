"""The summaries of a merge: rivals are chosen as a whole, and none tells what is edited, skipped or shown elsewhere."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field

from tract.history.answering import Answers, rewrite
from tract.history.draft import Draft
from tract.history.fold_conflicts import FoldSides, edit_conflict, overlap_conflict, skip_conflict
from tract.history.fold_view import Issue
from tract.history.merge_base import Load
from tract.model.conflicts import SIDES, UNFOLD, Answer, Conflict, Notice


@dataclass
class FoldMerge:
    """The summaries of both sides on their way into a draft.

    `touched` are the messages that either side changed, `shaky` those whose words are still to be settled.
    """

    draft: Draft
    answers: Answers
    load: Load
    touched: Set[str]
    shaky: frozenset[str]
    open: list[Conflict] = field(default_factory=list)
    uncovered: dict[str, None] = field(default_factory=dict)
    chosen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.sides = FoldSides.of(self.draft.ours, self.draft.theirs)
        self._suspects = self._find_suspects()

    @property
    def notices(self) -> list[Notice]:
        """What was decided without asking."""
        text = "message {} is pinned, so the summary made on the other side does not stand for it"
        return [Notice("pin_kept", (unit,), text.format(unit[:12])) for unit in self.uncovered]

    def run(self, rivals: Iterable[Set[str]]) -> None:
        """Settle all that can be settled; `rivals` are summaries that each want the same message."""
        components = _joined(self._component(seeds) for seeds in rivals if seeds)
        while True:
            for component in components:
                self.draft.expand(component)
            self._keep_pins()
            more = [self._component(seeds) for seeds in self._overlaps()]
            if not more:
                break
            components = _joined([*components, *more])
        for component in components:
            self.chosen |= component
            self._choose(component)
        self._keep_pins()
        self._drop_idle()
        self._check_summaries()

    def _find_suspects(self) -> list[str]:
        """Return the summaries that a change may have put in the wrong; all others are as on one side."""
        found = {key for key, told in self.draft.seen.items() if not told.keys().isdisjoint(self.touched)}
        for view in (self.draft.folds, *self.sides.views):
            for unit in self.touched:
                found.update(view.above(unit))
        return sorted(found | (self.touched & self.draft.seen.keys()))

    def _keep_pins(self) -> None:
        for unit in list(self.draft.folds.into):
            if self.draft.get(unit).mark == "pinned":
                self.draft.fold(unit, None)
                self.uncovered[unit] = None

    def _drop_idle(self) -> None:
        """Let no summary that stands for nothing be folded itself."""
        folds = self.draft.folds
        idle = [unit for unit in folds.into if self.draft.get(unit).summary and unit not in folds.under]
        while idle:
            unit = idle.pop()
            above = folds.into[unit]
            self.draft.fold(unit, None)
            if above in folds.into and above not in folds.under:
                idle.append(above)

    def _overlaps(self) -> Iterator[set[str]]:
        """Yield summaries that tell what is shown beside them, with the summaries that either side had for it."""
        for summary in self._suspects:
            if self._is_circular(summary):
                yield {summary}
            elif self.draft.folds.is_visible(summary):
                twice = {issue.message_id for issue in self._new_issues(summary) if issue.kind == "twice"}
                if twice:
                    yield {summary} | {
                        view.into[unit] for view in self.sides.views for unit in twice if unit in view.into
                    }

    def _is_circular(self, summary: str) -> bool:
        return summary in self.draft.folds.into and self.draft.folds.top(summary) in self.draft.folds.into

    def _new_issues(self, summary: str) -> set[Issue]:
        """Return what is wrong with a summary that is not just as wrong on one side alone."""
        found = self.draft.folds.issues(summary, self.shaky)
        for view in self.sides.views if found else ():
            if view.is_visible(summary):
                found -= view.issues(summary)
        return found

    def _component(self, seeds: Iterable[str]) -> frozenset[str]:
        """Return the summaries that hang together with some: by what lies under them, on either side."""
        found: set[str] = set()
        waiting = list(seeds)
        while waiting:
            summary = waiting.pop()
            if summary in found:
                continue
            found.add(summary)
            for view in self.sides.views:
                units = [summary, *view.under.get(summary, ()), *(leaf.message_id for leaf in view.leaves(summary))]
                waiting += [unit for unit in units if self.draft.get(unit).summary]
                waiting += [other.into[unit] for other in self.sides.views for unit in units if unit in other.into]
        return frozenset(found)

    def _choose(self, component: frozenset[str]) -> None:
        conflict = overlap_conflict(self.sides, component)
        answer = self.answers.find(conflict)
        if answer is None:
            self.open.append(conflict)
            return
        if answer.choice in SIDES:
            side = SIDES.index(answer.choice)
            told = self.sides.contexts[side].seen
            for summary in sorted(component):
                if summary in told:
                    self.draft.seen[summary] = told[summary]
                for unit in self.sides.views[side].under.get(summary, ()):
                    self.draft.fold(unit, summary)

    def _check_summaries(self) -> None:
        """Ask, or do what was answered, about each visible summary until nothing more is answered."""
        answered: set[str] = set()
        progress = True
        while progress:
            progress = False
            waiting: list[Conflict] = []
            for summary in self._suspects:
                if self.draft.folds.is_visible(summary):
                    asked = self._check(summary, answered)
                    progress = progress or asked is None
                    waiting += asked or ()
        self.open += waiting
        self._show_hidden_twice()

    def _show_hidden_twice(self) -> None:
        """Unfold what is skipped and lies under a hidden summary: no change could fold it there."""
        folds = self.draft.folds
        for unit in list(folds.into):
            if self.draft.get(unit).mark == "skipped" and not folds.is_visible(folds.top(unit)):
                self.draft.fold(unit, None)
        self._drop_idle()

    def _check(self, summary: str, answered: set[str]) -> list[Conflict] | None:
        """Return the open conflicts of a summary, or None if one was answered, so that all is to be seen anew."""
        issues = self._new_issues(summary)
        if any(issue.kind == "twice" for issue in issues):
            self.draft.expand([summary])
            return None
        skipped = sorted({issue.message_id for issue in issues if issue.kind == "skipped"})
        edited = sorted({issue.message_id for issue in issues if issue.kind in ("changed", "late")})
        told = self.draft.seen.get(summary, {})
        asked = [skip_conflict(self.sides, summary, skipped, told)] if skipped else []
        asked += [edit_conflict(self.sides, summary, edited, told)] if edited else []
        for conflict in asked:
            answer = self.answers.find(conflict)
            if answer is None or (conflict.id in answered and self.shaky):
                continue
            if conflict.id in answered:
                answer = Answer(UNFOLD)
            answered.add(conflict.id)
            self._apply(summary, answer, conflict)
            return None
        return [conflict for conflict in asked if conflict.id not in answered]

    def _apply(self, summary: str, answer: Answer, conflict: Conflict) -> None:
        if answer.text is not None or answer.fields is not None:
            rewrite(self.draft, summary, answer, self.load)
            for unit in list(self.draft.folds.below(summary)):
                if self.draft.get(unit).mark == "skipped":
                    self.draft.fold(unit, None)
            self._drop_idle()
            self.draft.refresh(summary)
        elif conflict.kind == "fold_vs_edit" and answer.choice in self.sides.showing(summary):
            self.draft.refresh(summary)
        else:
            self.draft.expand([summary])


def _joined(components: Iterable[frozenset[str]]) -> list[frozenset[str]]:
    """Return components with those that share a summary made one, in order."""
    found: list[frozenset[str]] = []
    for component in components:
        apart = [other for other in found if other.isdisjoint(component)]
        met = [other for other in found if not other.isdisjoint(component)]
        found = [*apart, component.union(*met)]
    return sorted(found, key=sorted)
