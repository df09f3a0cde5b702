"""How the kinds that are answered by options, numbers and words are edited."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from exam_server.items.answer_fields import (
    OPTIONS,
    Answer,
    Form,
    Group,
    Input,
    Label,
    Legend,
    Row,
    Shown,
    option,
    placed_content,
    places_as_text,
)
from exam_server.items.typed import number_text
from question_bank.content import part_ids
from question_bank.interactions import (
    MAX_ESSAY,
    MAX_GAP_TEXT,
    MAX_LINES,
    MAX_NUMERIC_TEXT,
    MAX_PIECES,
    MAX_WORD,
    ExtendedText,
    HotText,
    InlineChoice,
    Interaction,
    MultipleChoice,
    NumericEntry,
    Option,
    Order,
    SingleChoice,
    Slider,
    TextEntry,
    TrueFalseCluster,
)
from question_bank.keys import (
    AllOrNothing,
    ChoiceKey,
    ClusterKey,
    GradedCluster,
    MappedChoice,
    MappedText,
    NumericKey,
    OrderKey,
    ScoringRule,
    Spelling,
    TextKey,
)
from question_bank.writing import text_from


@dataclass(frozen=True, slots=True)
class Choice:
    """Options, of which one is right, or several."""

    one: bool

    def show(self, answer: Answer, prefix: str) -> Shown:
        options = _options(answer)
        values = OPTIONS.values(options, prefix)
        right = answer.key.options if isinstance(answer.key, ChoiceKey) else ()
        values |= {
            f"{prefix}right_{row}": "true" for row, one in enumerate(options) if one.id in right
        }
        if self.one:
            legend, ticks = (
                Legend.ONE_RIGHT,
                lambda row: (Input(f"{prefix}right", Label.RIGHT, "radio", str(row)),),
            )
            found = [str(row) for row, one in enumerate(options) if one.id in right]
            values = {k: v for k, v in values.items() if not k.startswith(f"{prefix}right_")}
            values[f"{prefix}right"] = found[0] if found else ""
        else:
            legend, ticks = (
                Legend.SOME_RIGHT,
                lambda row: (Input(f"{prefix}right_{row}", Label.RIGHT, "tick"),),
            )
        rows = OPTIONS.rows(options, prefix, ticks)
        if isinstance(answer.interaction, MultipleChoice):
            values[f"{prefix}max_choices"] = str(answer.interaction.max_choices)
            rows = (*rows, Row("", (Input(f"{prefix}max_choices", Label.MAX_CHOICES),)))
        return Shown((Group(legend, f"{prefix}options", rows),), values)

    def read(self, answer: Answer, form: Form) -> Answer:
        kept = OPTIONS.read(_options(answer), form, option)
        ticked = [
            row for row in range(OPTIONS.count(_options(answer))) if self._is_right(form, row)
        ]
        for row in ticked:
            if row not in kept:
                form.wrong(f"option_{row}", "missing")
        right = tuple(kept[row].id for row in ticked if row in kept)
        if self.one and len(right) != 1:
            form.wrong("options", "one_right")
            return answer
        interaction = _with_options(answer, kept)
        if isinstance(interaction, MultipleChoice):
            interaction = replace(interaction, max_choices=form.whole("max_choices", 0, MAX_PIECES))
        key = ChoiceKey(right)
        return replace(
            answer, interaction=interaction, key=key, scoring=choice_rule(answer, key, form)
        )

    def _is_right(self, form: Form, row: int) -> bool:
        return form.text("right") == str(row) if self.one else form.ticked(f"right_{row}")


def _options(answer: Answer) -> tuple[Option, ...]:
    match answer.interaction:
        case SingleChoice() | MultipleChoice() | InlineChoice() | Order():
            return answer.interaction.options
        case TrueFalseCluster(statements=statements):
            return statements
        case _:
            return ()


def _with_options(answer: Answer, kept: Mapping[int, Option]) -> Interaction:
    options = tuple(kept.values())
    match answer.interaction:
        case SingleChoice() | MultipleChoice() | InlineChoice() | Order() as asked:
            return replace(asked, options=options)
        case TrueFalseCluster() as asked:
            return replace(asked, statements=options)
        case asked:
            return asked


class Cluster:
    """Statements, each true or false."""

    def show(self, answer: Answer, prefix: str) -> Shown:
        statements = _options(answer)
        values = OPTIONS.values(statements, prefix)
        if isinstance(answer.key, ClusterKey):
            for row, one in enumerate(statements):
                values[f"{prefix}right_{row}"] = "true" if answer.key.values[one.id] else "false"
        rows = OPTIONS.rows(
            statements, prefix, lambda row: (Input(f"{prefix}right_{row}", Label.TRUE, "tick"),)
        )
        return Shown((Group(Legend.TRUTHS, f"{prefix}options", rows),), values)

    def read(self, answer: Answer, form: Form) -> Answer:
        kept = OPTIONS.read(_options(answer), form, option)
        for row in range(OPTIONS.count(_options(answer))):
            if form.ticked(f"right_{row}") and row not in kept:
                form.wrong(f"option_{row}", "missing")
        truths = {one.id: form.ticked(f"right_{row}") for row, one in kept.items()}
        interaction = _with_options(answer, kept)
        rule = _graded(answer.scoring, len(kept), answer.points)
        return replace(answer, interaction=interaction, key=ClusterKey(truths), scoring=rule)


def _graded(rule: ScoringRule, rows: int, points: Decimal) -> ScoringRule:
    """The same rule for these points; a graded table grows with them."""
    if not isinstance(rule, GradedCluster):
        return rule
    if len(rule.table) != rows + 1:
        return AllOrNothing()
    top = rule.table[-1]
    return GradedCluster(tuple(one * points / top for one in rule.table)) if top else rule


class Number:
    """A number, with how it is entered."""

    def show(self, answer: Answer, prefix: str) -> Shown:
        entry, key = answer.interaction, answer.key
        values = {f"{prefix}number": number_text(key.value) if isinstance(key, NumericKey) else ""}
        if isinstance(entry, NumericEntry):
            values |= {
                f"{prefix}tolerance": number_text(entry.tolerance),
                f"{prefix}unit": entry.unit,
                f"{prefix}max_length": str(entry.max_length),
            }
        labels = (Label.NUMBER, Label.TOLERANCE, Label.UNIT, Label.MAX_LENGTH)
        row = Row("", tuple(Input(f"{prefix}{label}", label) for label in labels))
        return Shown((Group(Legend.NUMBER, f"{prefix}numbers", (row,)),), values)

    def read(self, answer: Answer, form: Form) -> Answer:
        asked = answer.interaction
        if not isinstance(asked, NumericEntry):
            return answer
        value = form.decimal("number")
        tolerance = form.decimal("tolerance", least=Decimal(0))
        length = form.whole("max_length", 1, MAX_NUMERIC_TEXT)
        unit = form.text("unit")
        if len(unit) > MAX_WORD:
            form.wrong("unit", "too_long")
        made = replace(asked, tolerance=tolerance, unit=unit[:MAX_WORD], max_length=length)
        return replace(answer, interaction=made, key=NumericKey(value))


class Scale:
    """A number on a slider."""

    def show(self, answer: Answer, prefix: str) -> Shown:
        slider, key = answer.interaction, answer.key
        values = {f"{prefix}number": number_text(key.value) if isinstance(key, NumericKey) else ""}
        if isinstance(slider, Slider):
            values |= {
                f"{prefix}lower": number_text(slider.lower),
                f"{prefix}upper": number_text(slider.upper),
                f"{prefix}step": number_text(slider.step),
            }
        labels = (Label.LOWER, Label.UPPER, Label.STEP, Label.NUMBER)
        row = Row("", tuple(Input(f"{prefix}{label}", label) for label in labels))
        return Shown((Group(Legend.SLIDER, f"{prefix}numbers", (row,)),), values)

    def read(self, answer: Answer, form: Form) -> Answer:
        asked = answer.interaction
        if not isinstance(asked, Slider):
            return answer
        lower, upper, step = (form.decimal(name) for name in ("lower", "upper", "step"))
        slider = replace(asked, lower=lower, upper=upper, step=step)
        return replace(answer, interaction=slider, key=NumericKey(form.decimal("number")))


class Words:
    """A word or a few, in all spellings that are right."""

    def show(self, answer: Answer, prefix: str) -> Shown:
        key = answer.key if isinstance(answer.key, TextKey) else TextKey(())
        values = {
            f"{prefix}accepted": "\n".join(key.accepted),
            f"{prefix}case": "true" if key.case_sensitive else "",
        }
        if isinstance(answer.interaction, TextEntry):
            values[f"{prefix}max_length"] = str(answer.interaction.max_length)
        inputs = (
            Input(f"{prefix}accepted", Label.ACCEPTED, "text"),
            Input(f"{prefix}case", Label.CASE, "tick"),
            Input(f"{prefix}max_length", Label.MAX_LENGTH),
        )
        return Shown((Group(Legend.SPELLINGS, f"{prefix}spellings", (Row("", inputs),)),), values)

    def read(self, answer: Answer, form: Form) -> Answer:
        asked = answer.interaction
        if not isinstance(asked, TextEntry):
            return answer
        accepted = _spellings(answer, form)
        length = form.whole("max_length", 1, MAX_GAP_TEXT)
        if not accepted:
            form.wrong("accepted", "missing")
            return answer
        if any(len(one) > length for one in accepted):
            form.wrong("max_length", "too_short")
        key = TextKey(accepted, form.ticked("case"))
        entry = replace(asked, max_length=length)
        return replace(answer, interaction=entry, key=key, scoring=_text_rule(answer, key, form))


def _spellings(answer: Answer, form: Form) -> tuple[str, ...]:
    """One a line, white space collapsed; what was not touched stays as it is."""
    if isinstance(answer.key, TextKey) and form.is_untouched("accepted"):
        return answer.key.accepted
    lines = (" ".join(line.split()) for line in form.text("accepted").splitlines())
    return tuple(dict.fromkeys(line for line in lines if line))


def _text_rule(answer: Answer, key: TextKey, form: Form) -> ScoringRule:
    rule = answer.scoring
    if not isinstance(rule, MappedText) or key == answer.key:
        return rule
    if len({(one.worth, one.case_sensitive) for one in rule.spellings}) != 1:
        form.wrong("spellings", "rule_of_its_own")
        return rule
    worth = rule.spellings[0].worth
    spelled = tuple(Spelling(one, worth, key.case_sensitive) for one in key.accepted)
    return replace(rule, spellings=spelled)


class LongText:
    """A text that people mark."""

    def show(self, answer: Answer, prefix: str) -> Shown:
        values = {}
        if isinstance(answer.interaction, ExtendedText):
            values[f"{prefix}max_length"] = str(answer.interaction.max_length)
            values[f"{prefix}lines"] = str(answer.interaction.lines)
        inputs = tuple(Input(f"{prefix}{one}", one) for one in (Label.MAX_LENGTH, Label.LINES))
        return Shown((Group(Legend.LONG_TEXT, f"{prefix}texts", (Row("", inputs),)),), values)

    def read(self, answer: Answer, form: Form) -> Answer:
        asked = answer.interaction
        if not isinstance(asked, ExtendedText):
            return answer
        length = form.whole("max_length", 1, MAX_ESSAY)
        lines = form.whole("lines", 1, MAX_LINES)
        text = replace(asked, max_length=length, lines=lines)
        return replace(answer, interaction=text)


class Ordered:
    """Options, and the place of each in the right order."""

    def show(self, answer: Answer, prefix: str) -> Shown:
        options = _options(answer)
        order = answer.key.order if isinstance(answer.key, OrderKey) else ()
        values = OPTIONS.values(options, prefix)
        for row, one in enumerate(options):
            values[f"{prefix}place_{row}"] = str(order.index(one.id) + 1) if one.id in order else ""
        rows = OPTIONS.rows(
            options, prefix, lambda row: (Input(f"{prefix}place_{row}", Label.PLACE),)
        )
        return Shown((Group(Legend.ORDER, f"{prefix}options", rows),), values)

    def read(self, answer: Answer, form: Form) -> Answer:
        kept = OPTIONS.read(_options(answer), form, option)
        key = OrderKey(in_order({row: one.id for row, one in kept.items()}, form, "options"))
        interaction = _with_options(answer, kept)
        return replace(answer, interaction=interaction, key=key)


def in_order(kept: Mapping[int, str], form: Form, name: str) -> tuple[str, ...]:
    """The ids by the places that stand in `place_N`: every one from 1 on, once."""
    places = {row: form.whole(f"place_{row}", 0, MAX_PIECES) for row in kept}
    if sorted(places.values()) != list(range(1, len(kept) + 1)):
        form.wrong(name, "places")
    return tuple(kept[row] for row in sorted(kept, key=lambda row: places[row]))


def choice_rule(
    answer: Answer, key: ChoiceKey, form: Form, *, told: str = "options"
) -> ScoringRule:
    """A rule that is worth the same for every right option follows them; another one is told."""
    rule = answer.scoring
    if not isinstance(rule, MappedChoice) or key == answer.key:
        return rule
    former = answer.key.options if isinstance(answer.key, ChoiceKey) else ()
    worths = set(rule.worth.values())
    if set(rule.worth) != set(former) or len(worths) != 1:
        form.wrong(told, "rule_of_its_own")
        return rule
    return replace(rule, worth=dict.fromkeys(key.options, worths.pop()))


class HotWords:
    """A text with words to choose, and which of them are right."""

    def show(self, answer: Answer, prefix: str) -> Shown:
        asked = answer.interaction
        if not isinstance(asked, HotText):
            return Shown((), {})
        right = answer.key.options if isinstance(answer.key, ChoiceKey) else ()
        values = {
            f"{prefix}text": places_as_text(text_from(asked.text)),
            f"{prefix}words": ", ".join(right),
            f"{prefix}max_choices": str(asked.max_choices),
        }
        text = Row("", (Input(f"{prefix}text", Label.TEXT, "text"),))
        named = Row(
            "",
            (
                Input(f"{prefix}words", Label.WORDS),
                Input(f"{prefix}max_choices", Label.MAX_CHOICES),
            ),
        )
        return Shown((Group(Legend.HOT_WORDS, f"{prefix}options", (text, named)),), values)

    def read(self, answer: Answer, form: Form) -> Answer:
        asked = answer.interaction
        if not isinstance(asked, HotText):
            return answer
        text = placed_content(form.typed, form.prefix + "text", form.before, asked.text)
        words = part_ids(text)
        if not words:
            form.wrong("text", "no_place")
        chosen = form.named("words", {one: one for one in words})
        if not chosen:
            form.wrong("words", "missing")
        key = ChoiceKey(tuple(one for one in words if one in chosen))
        made = replace(asked, text=text, max_choices=form.whole("max_choices", 0, MAX_PIECES))
        return replace(answer, interaction=made, key=key, scoring=choice_rule(answer, key, form))
