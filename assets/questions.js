// Questions of a decision as rows of fields. What is typed is text all the way: nothing of it is ever set as markup.
(() => {
  "use strict";
  const TYPES = { noul: "Yes or no", choice: "Choice", score: "Score" };
  const OPTIONS = {
    noul: { title: "What the answers mean", fixed: true },
    choice: { title: "Options", name: "Option", meaning: "What it means (optional)", add: "Add an option" },
    score: { title: "Levels, the lowest first", meaning: "Level", add: "Add a level" },
  };
  let unique = 0;

  const make = (tag, about = {}, ...inside) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(about)) {
      if (name in element) element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...inside);
    return element;
  };
  const fresh = () => ({ name: "", type: "noul", instructions: "", options: optionsFor("noul", []) });
  const optionsFor = (type, old) => {
    if (type === "noul") return ["true", "false"].map((name) => old.find((pair) => pair[0] === name) || [name, ""]);
    const said = old.filter(([name, meaning]) => !["true", "false"].includes(name) && (name || meaning));
    const turned = said.map(([name, meaning]) => (type === "score" ? ["", meaning || name] : name ? [name, meaning] : [meaning, ""]));
    while (turned.length < 2) turned.push(["", ""]);
    return turned;
  };

  window.studioQuestions = (element, props, watch) => {
    const place = element.querySelector("[data-rows]");
    let rows = [];
    const said = () => JSON.stringify(rows);
    const tell = () => { props.value = JSON.parse(said()); };
    const take = () => {
      const given = Array.isArray(props.value) ? props.value : [];
      rows = JSON.parse(JSON.stringify(given.length ? given : [fresh()]));
      for (const row of rows) if (row.type === "noul" || row.options.length < 2) row.options = optionsFor(row.type, row.options);
      draw();
    };
    const changed = (change, focus) => { change(); draw(); tell(); (focus && place.querySelector(focus) || element.querySelector("[data-add]")).focus(); };

    const field = (label, input) => {
      input.id = `question-${++unique}`;
      return make("div", { className: "labelled" }, make("label", { htmlFor: input.id, textContent: label }), input);
    };
    const typed = (tag, about, value, keep) => {
      const input = make(tag, { ...about, value });
      input.addEventListener("input", () => { keep(input.value); tell(); });
      return input;
    };
    const remove = (label, act) => {
      const button = make("button", { type: "button", className: "icon-button small", title: label, "aria-label": label, textContent: "✕" });
      button.addEventListener("click", act);
      return button;
    };

    const optionRow = (row, number, at, pair) => {
      const kind = OPTIONS[row.type], who = `question ${number + 1}`;
      const meaning = kind.fixed ? `What ${pair[0] === "true" ? "yes" : "no"} means (optional)` : kind.meaning;
      const inputs = [];
      if (kind.fixed) inputs.push(make("span", { className: "fixed", textContent: pair[0] === "true" ? "Yes" : "No" }));
      else if (!kind.name) inputs.push(make("span", { className: "fixed", textContent: String(at) }));
      else inputs.push(typed("input", { type: "text", placeholder: kind.name, "aria-label": `${kind.name} ${at + 1} of ${who}` }, pair[0], (text) => { pair[0] = text; }));
      inputs.push(typed("input", { type: "text", placeholder: meaning, "aria-label": `${meaning}, ${at + 1} of ${who}`, className: "meaning" }, pair[1], (text) => { pair[1] = text; }));
      if (!kind.fixed && row.options.length > 2) {
        inputs.push(remove(`Remove ${kind.name ? "option" : "level"} ${at + 1} of ${who}`, () => changed(() => row.options.splice(at, 1), `[data-row="${number}"] [data-more]`)));
      }
      return make("li", {}, ...inputs);
    };
    const drawRow = (row, number) => {
      const kind = OPTIONS[row.type] || OPTIONS.noul;
      const type = make("select", {}, ...Object.entries(TYPES).map(([value, textContent]) => make("option", { value, textContent })));
      type.value = row.type in TYPES ? row.type : "noul";
      type.addEventListener("change", () => changed(() => { row.type = type.value; row.options = optionsFor(type.value, row.options); }, `[data-row="${number}"] select`));
      const head = make("div", { className: "row-head" }, field("Name", typed("input", { type: "text", autocomplete: "off" }, row.name, (text) => { row.name = text; })), field("Type", type));
      if (rows.length > 1) head.append(remove(`Remove question ${number + 1}`, () => changed(() => rows.splice(number, 1))));
      const asked = field("Question", typed("textarea", { rows: 1 }, row.instructions, (text) => { row.instructions = text; }));
      const list = make("ul", {}, ...row.options.map((pair, at) => optionRow(row, number, at, pair)));
      const group = make("fieldset", { className: "question" }, make("legend", { textContent: `Question ${number + 1}` }), head, asked, make("p", { className: "over", textContent: kind.title }), list);
      group.dataset.row = number;
      if (kind.add) {
        const more = make("button", { type: "button", className: "copy", textContent: kind.add });
        more.dataset.more = "";
        more.addEventListener("click", () => changed(() => row.options.push(["", ""]), `[data-row="${number}"] li:last-child input`));
        group.append(more);
      }
      return group;
    };
    const draw = () => place.replaceChildren(...rows.map(drawRow));
    element.querySelector("[data-add]").addEventListener("click", () => changed(() => rows.push(fresh()), `[data-row="${rows.length}"] input`));
    watch("value", () => { if (JSON.stringify(props.value) !== said()) take(); });
    take();
  };
})();
