"""Turns of phrase in descriptions of software, and the questions that can be asked about them. Data only.

A pattern names the `answer`; it may name the subject's `name`, and a `hint` of what the answer is.
"""

END = r"(?= (?:for|in order|so that|which|that|when|using|while|because|such as|if)\b|[.,;:()]|$)"
ANSWER = r"(?P<answer>[^.,;:()]{2,70}?)"
LIST = r"(?P<answer>[^.;:()]{2,90}?)(?=[.;:()]|$)"
NAME = r"(?P<name>[\w+-]+)"
PATTERNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        rf"\b{NAME} (?:is|are) (?P<answer>(?:an?|the) [^.,;:()]{{4,70}}?){END}",
        ("What is {name}?", "What does {name} do?"),
    ),
    (
        r"\bwritten (?:entirely |completely |purely )?in (?P<answer>[A-Z][\w+#.]*(?: and [A-Z][\w+#]*)?)",
        ("Which language is {subject} written in?", "What is {subject} written in?", "What language was used for it?"),
    ),
    (rf"\bwritten by {ANSWER}{END}", ("Who wrote {subject}?", "Who is the author?", "Who is {subject} written by?")),
    (
        rf"\b(?:developed|created|designed|made) by {ANSWER}{END}",
        ("Who developed {subject}?", "Who created it?", "Who made {subject}?"),
    ),
    (
        rf"\bbased (?:up)?on {ANSWER}{END}",
        ("What is {subject} based on?", "What is it built on?", "Which {hint} is it based on?"),
    ),
    (rf"\binspired by {ANSWER}{END}", ("What was {subject} inspired by?", "What inspired {subject}?")),
    (rf"\b(?:a )?fork of {ANSWER}{END}", ("What is {subject} a fork of?", "What was it forked from?")),
    (rf"\b(?:relies|depends) on {ANSWER}{END}", ("What does {subject} rely on?", "What does it depend on?")),
    (rf"\brequires {ANSWER}{END}", ("What does {subject} require?", "What is needed?", "What does it need?")),
    (
        rf"\b(?:uses|using) {ANSWER}{END}",
        ("What does {subject} use?", "What is used by {subject}?", "Which {hint} does it use?"),
    ),
    (rf"\bsupports? {LIST}", ("What does {subject} support?", "What is supported?", "Which {hint} are supported?")),
    (rf"\bprovides {ANSWER}{END}", ("What does {subject} provide?", "What is provided?")),
    (
        rf"\b(?:contains|includes) {LIST}",
        ("What does {subject} contain?", "What does {subject} include?", "What is included?"),
    ),
    (rf"\bimplements {ANSWER}{END}", ("What does {subject} implement?", "What is implemented?")),
    (rf"\bgenerates? {ANSWER}{END}", ("What does {subject} generate?", "What can be generated?")),
    (rf"\bcreates? {ANSWER}{END}", ("What does {subject} create?", "What can you create with {subject}?")),
    (rf"\bmanages? {ANSWER}{END}", ("What does {subject} manage?", "What can you manage with it?")),
    (rf"\bdisplays? {ANSWER}{END}", ("What does {subject} display?", "What is shown?")),
    (rf"\bchecks? {ANSWER}{END}", ("What does {subject} check?", "What is checked?")),
    (
        rf"\bintended (?:for|as|to be) {ANSWER}{END}",
        ("What is {subject} intended for?", "What is it meant for?", "Who is it intended for?"),
    ),
    (
        rf"\bdesigned (?:for|to) {ANSWER}{END}",
        ("What is {subject} designed for?", "What was {subject} designed to do?"),
    ),
    (rf"\bused (?:for|to) {ANSWER}{END}", ("What is {subject} used for?", "What can it be used for?")),
    (
        rf"\b(?:allows|lets|enables) (?:you|users|the user|one) (?:to )?{ANSWER}{END}",
        ("What does {subject} allow you to do?", "What can users do with {subject}?", "What does it let you do?"),
    ),
    (
        rf"\b(?:can be )?found in (?P<answer>/?[^.,;:()]{{3,50}}?){END}",
        ("Where can it be found?", "Where is it found?"),
    ),
    (rf"\bstored in {ANSWER}{END}", ("Where is it stored?", "Where are the data stored?")),
    (
        rf"\b(?:from|via|through) (?P<answer>(?:an?|the) [^.,;:()]{{3,45}}?){END}",
        ("Where does it come from?", "Through what does {subject} work?"),
    ),
    (rf"\bsimilar to {ANSWER}{END}", ("What is {subject} similar to?", "What does it resemble?")),
    (rf"\bstands for {ANSWER}{END}", ("What does {name_or_subject} stand for?",)),
    (
        rf"\b(?:formerly|previously) (?:known as|called) {ANSWER}{END}",
        ("What was {subject} formerly called?", "What was its old name?"),
    ),
    (rf"\bcompatible with {ANSWER}{END}", ("What is {subject} compatible with?", "What is it compatible with?")),
    (
        r"\b(?P<answer>\d[\d,.]*\+?) (?P<hint>[a-z]{4,})",
        ("How many {hint} are there?", "How many {hint} does it have?"),
    ),
    (rf"\bruns on {ANSWER}{END}", ("What does {subject} run on?", "Where does it run?")),
    (
        rf"\b(?:originally|initially) (?:written|created|developed) (?:by|for) {ANSWER}{END}",
        ("Who originally wrote {subject}?",),
    ),
)
HINTS = [
    "library",
    "tool",
    "language",
    "toolkit",
    "format",
    "protocol",
    "algorithm",
    "engine",
    "framework",
    "standard",
    "system",
    "project",
]
