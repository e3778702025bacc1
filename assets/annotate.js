// Annotating in the browser: a desk shows one row, takes an answer by mouse or keyboard, and asks the API for the next.
// Cells are only ever put in as text. Offsets of spans are counted in characters (code points), as Python counts them.
(() => {
  "use strict";
  const make = (name, className = "", words = "") => {
    const one = document.createElement(name);
    if (className) one.className = className;
    if (words !== "") one.textContent = words;
    return one;
  };
  const points = (words) => [...words].length;
  const units = (words, count) => [...words].slice(0, count).join("").length;
  const number = (value) => value.toLocaleString("en-US");
  const CHOICES = ["first", "second", "tie"];

  const ask = async (path, method = "GET", body = undefined) => {
    const answer = await fetch(`/api/annotations/${path}`, {
      method, credentials: "same-origin", headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error || `The studio answered ${answer.status}.`);
    return told;
  };

  class Desk {
    constructor(root) {
      this.root = root; this.id = root.dataset.annotate; this.busy = false; this.draft = null; this.active = 0;
      const row = Number(root.dataset.row);
      this.go(row >= 0 ? () => ask(`${this.id}/rows/${row}`) : () => ask(`${this.id}/next`));
    }
    async go(step) {
      if (this.busy) return;
      this.busy = true;
      this.root.setAttribute("aria-busy", "true");
      try {
        this.turn = await step();
        const value = this.turn.value;
        this.draft = Array.isArray(value) ? value.map((one) => (typeof one === "object" ? { ...one } : one)) : value;
        this.draw("");
      } catch (error) { this.draw(error.message); }
      this.busy = false;
      this.root.removeAttribute("aria-busy");
    }
    get plan() { return this.turn.work.plan; }
    get text() { return String(this.turn.cells[this.plan.column] ?? ""); }
    save(value) {
      const row = this.turn.row;
      this.go(async () => {
        await ask(`${this.id}/rows/${row}`, "PUT", { value });
        return ask(`${this.id}/next?after=${row}`);
      });
    }
    done() {
      const plan = this.plan;
      if (plan.kind === "span") this.save(this.draft || []);
      else if (plan.kind === "label" && plan.several) this.save(this.draft || []);
    }
    move(by) {
      if (!this.turn) return;
      const rows = this.turn.work.rows, here = this.turn.row ?? rows;
      const to = Math.min(rows - 1, Math.max(0, here + by));
      if (to !== here) this.go(() => ask(`${this.id}/rows/${to}`));
    }
    undo() { this.go(() => ask(`${this.id}/undo`, "POST")); }
    choose(place) {
      const plan = this.plan;
      if (plan.kind === "preference") { if (CHOICES[place]) this.save(CHOICES[place]); return; }
      const name = plan.classes[place];
      if (name === undefined) return;
      if (plan.kind === "span") { this.active = place; if (!this.take()) this.draw(""); return; }
      if (!plan.several) { this.save(name); return; }
      const held = new Set(this.draft || []);
      if (!held.delete(name)) held.add(name);
      this.draft = [...held];
      this.draw("");
    }
    take() { // the selected part of the text becomes a span of the chosen class
      const held = this.root.querySelector(".desk-text"), selection = getSelection();
      if (!held || !selection.rangeCount || selection.isCollapsed) return false;
      const range = selection.getRangeAt(0);
      if (!held.contains(range.startContainer) || !held.contains(range.endContainer)) return false;
      const before = document.createRange();
      before.setStart(held, 0); before.setEnd(range.startContainer, range.startOffset);
      let start = points(before.toString()), words = range.toString();
      start += points(words) - points(words.trimStart());
      words = words.trim();
      selection.removeAllRanges();
      if (!words) return false;
      const span = { start, end: start + points(words), label: this.plan.classes[this.active] };
      const spans = (this.draft || []).filter((one) => one.start !== span.start || one.end !== span.end);
      this.draft = [...spans, span].sort((a, b) => a.start - b.start || a.end - b.end);
      this.draw("");
      return true;
    }
    draw(problem) {
      const parts = [];
      if (problem) { const told = make("div", "notice bad", problem); told.setAttribute("role", "alert"); parts.push(told); }
      if (this.turn) parts.push(...(this.turn.row === null ? this.over() : this.row()));
      if (parts.length) parts[0].dataset.drawn = "";
      this.root.replaceChildren(...parts);
      if (this.turn) this.address();
    }
    address() { // a reload comes back to this row
      const query = new URLSearchParams(location.search);
      if (query.get("tab") !== "annotate") return;
      if (this.turn.row === null) query.delete("row"); else query.set("row", this.turn.row);
      history.replaceState(history.state, "", `${location.pathname}?${query.toString().replaceAll("%3A", ":").replaceAll("%2F", "/")}`);
    }
    progress() {
      const work = this.turn.work, seen = work.done + work.skipped, bar = make("div", "bar"), fill = make("i");
      bar.setAttribute("role", "progressbar"); bar.setAttribute("aria-label", "Rows answered");
      bar.setAttribute("aria-valuemin", "0"); bar.setAttribute("aria-valuemax", "100");
      bar.setAttribute("aria-valuenow", String(Math.round((100 * seen) / Math.max(1, work.rows))));
      fill.style.width = `${(100 * seen) / Math.max(1, work.rows)}%`;
      bar.append(fill);
      const passed = work.skipped ? `, ${number(work.skipped)} passed over` : "";
      const told = make("p", "note", `${number(work.done)} of ${number(work.rows)} rows answered${passed}.`);
      told.setAttribute("role", "status");
      return [told, bar];
    }
    over() {
      const told = make("div", "empty-state");
      told.append(make("h2", "", "Every row has an answer"), make("p", "", "Make a data set of them below, or go back to change one."));
      return [...this.progress(), told, this.ways()];
    }
    row() {
      const row = make("div", "desk-row"), plan = this.plan;
      const head = make("p", "note", `Row ${number(this.turn.row)}${this.turn.answered ? (this.turn.value === null ? ", passed over" : ", answered") : ""}`);
      for (const [name, held] of Object.entries(this.turn.cells)) {
        const cell = make("section", "desk-cell"), title = make("h3", "", name);
        const choice = plan.kind === "preference" ? { [plan.column]: "first", [plan.other]: "second" }[name] : undefined;
        if (choice) title.append(" ", make("small", "", choice));
        cell.append(title, plan.kind === "span" && name === plan.column ? this.marked() : this.shown(name, held));
        if (choice && this.turn.value === choice) cell.classList.add("chosen");
        row.append(cell);
      }
      return [...this.progress(), head, row, this.answers(), ...(plan.kind === "span" ? [this.spans()] : []), this.ways()];
    }
    shown(name, held) {
      const data = this.root.dataset;
      if (typeof held === "string" && JSON.parse(data.media || "[]").includes(name)) {
        const query = new URLSearchParams({ ref: data.ref, split: data.split, number: this.turn.row, column: name });
        const medium = make(held.startsWith("sound") ? "audio" : "img");
        if (held.startsWith("sound")) medium.controls = true; else medium.alt = `${name} of row ${this.turn.row}, ${held}`;
        medium.src = `/api/datasets/cell?${query}`;
        return medium;
      }
      if (held === null) return make("p", "null", "null");
      return make("p", "desk-text", typeof held === "string" ? held : JSON.stringify(held));
    }
    marked() { // where spans overlap, the first is drawn
      const held = make("p", "desk-text"), text = this.text;
      let at = 0;
      for (const span of this.draft || []) {
        const start = units(text, span.start), end = units(text, span.end);
        if (start < at) continue;
        held.append(text.slice(at, start));
        const mark = make("mark", `span c${this.plan.classes.indexOf(span.label) % 7}`, text.slice(start, end));
        mark.title = span.label;
        held.append(mark);
        at = end;
      }
      held.append(text.slice(at));
      return held;
    }
    answers() {
      const plan = this.plan, group = make("div", "desk-answers"), names = plan.kind === "preference" ? CHOICES : plan.classes;
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", plan.kind === "span" ? "Class of the next span" : "Answer");
      names.forEach((name, place) => {
        const button = make("button", "button");
        button.type = "button"; button.dataset.place = place;
        if (place < 9) button.append(make("kbd", "", String(place + 1)), " ");
        button.append(plan.kind === "preference" && name !== "tie" ? `${name} is better` : name);
        const held = Array.isArray(this.draft) ? this.draft : [this.draft];
        const pressed = plan.kind === "span" ? place === this.active : held.includes(name);
        button.setAttribute("aria-pressed", String(pressed));
        if (plan.kind === "span") button.classList.add(`c${place % 7}`);
        group.append(button);
      });
      return group;
    }
    spans() {
      const list = make("ul", "desk-spans"), text = this.text;
      for (const [place, span] of (this.draft || []).entries()) {
        const item = make("li"), words = [...text].slice(span.start, span.end).join("");
        const gone = make("button", "button", "×");
        gone.type = "button"; gone.dataset.gone = place; gone.setAttribute("aria-label", `Take away ${words}`);
        item.append(make("b", "", span.label), ` ${words} `, gone);
        list.append(item);
      }
      if (!list.children.length) list.append(make("li", "note", "Select a part of the text to mark it; a digit chooses the class."));
      return list;
    }
    ways() {
      const plan = this.plan, group = make("div", "desk-ways");
      const way = (does, label, key) => {
        const button = make("button", does === "done" ? "button primary" : "button");
        button.type = "button"; button.dataset.does = does;
        button.append(label, " ", make("kbd", "", key));
        group.append(button);
      };
      if (this.turn.row !== null && (plan.kind === "span" || plan.several)) way("done", "Save and next", "Enter");
      way("back", "Previous", "←"); way("on", "Next", "→");
      if (this.turn.row !== null) way("skip", "Pass over", "s");
      way("undo", "Undo", "u");
      return group;
    }
    does(what) {
      if (what === "done") this.done();
      else if (what === "back") this.move(-1);
      else if (what === "on") this.move(1);
      else if (what === "skip") this.save(null);
      else if (what === "undo") this.undo();
    }
  }

  const desks = new WeakMap();
  const desk = () => {
    const root = [...document.querySelectorAll("[data-annotate]")].find((one) => one.offsetParent !== null);
    return root ? desks.get(root) : undefined;
  };
  new MutationObserver(() => {
    for (const root of document.querySelectorAll("[data-annotate]")) {
      const known = desks.get(root); // the page changes elements in place: another work, or the same one anew
      const stale = known && (known.id !== root.dataset.annotate || (!known.busy && !root.querySelector("[data-drawn]")));
      if (!known || stale) desks.set(root, new Desk(root));
    }
  }).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-annotate"] });

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-annotate] button"), here = button && desks.get(button.closest("[data-annotate]"));
    if (!here || here.busy) return;
    if (button.dataset.place !== undefined) here.choose(Number(button.dataset.place));
    else if (button.dataset.gone !== undefined) { here.draft.splice(Number(button.dataset.gone), 1); here.draw(""); }
    else here.does(button.dataset.does);
  });
  document.addEventListener("mouseup", () => { const here = desk(); if (here?.turn?.row != null && here.plan.kind === "span" && !here.busy) here.take(); });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, textarea, select, [role=tab], [role=listbox], [role=radio], dialog, .cm-editor")) return;
    const here = desk();
    if (!here?.turn || here.busy) return;
    const known = { ArrowLeft: "back", ArrowRight: "on", s: "skip", u: "undo" };
    if (/^[1-9]$/.test(event.key) && here.turn.row !== null) here.choose(Number(event.key) - 1);
    else if (event.key === "Enter" && here.turn.row !== null && !event.target.closest?.("button, a, summary")) here.done();
    else if (known[event.key] && (event.key !== "s" || here.turn.row !== null)) here.does(known[event.key]);
    else return;
    event.preventDefault();
  });
})();
