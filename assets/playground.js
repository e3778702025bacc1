// The playground in the browser: the dialog of tasks, drafts and the address, fields that a message is about,
// switches of layers over a picture, players. Nothing from a model or a link is ever set as markup here.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const STORE = "studio-playground";
  const here = () => Boolean($(".tasks-frame"));

  // ---- drafts: one per task, in this tab's own store; the address tells task, model and changed settings
  const load = () => { try { return JSON.parse(sessionStorage.getItem(STORE)) || {}; } catch { return {}; } };
  const save = (drafts) => { try { sessionStorage.setItem(STORE, JSON.stringify(drafts)); } catch { /* full, or private */ } };
  let wanted = "";
  const opened = () => {
    const query = new URLSearchParams(location.search), drafts = load();
    const task = query.get("task") || drafts.last || "", kept = drafts[task] || {};
    target = $(`a[data-task="${CSS.escape(task)}"]`) ? task : "";
    if (!query.get("task")) return JSON.stringify({ task, ...kept });
    const link = Object.fromEntries([...query].filter(([name]) => name.startsWith("p.")).map(([name, value]) => [name.slice(2), value]));
    return JSON.stringify({ task, model: query.get("model") || kept.model || "", inputs: kept.inputs, message: kept.message, link });
  };
  let target = ""; // the task that is on its way: until its form is there, the old one has nothing to say
  const picked = () => JSON.stringify({ task: wanted, ...load()[wanted] });
  const form = () => { const place = $$("[data-form]").pop(); return place ? JSON.parse(place.dataset.form) : null; };
  const nothing = (value) => value == null || value === "" || (Array.isArray(value) && !value.length);
  const same = (a, b) => (nothing(a) && nothing(b)) || JSON.stringify(a) === JSON.stringify(b);
  const keep = (task, values) => { // a form that has gone may still speak: its values are not those of the next one
    const about = form();
    if (!about || about.task !== task || (target && task !== target)) return;
    const [model, talk, message, ...rest] = values;
    const inputs = {}, params = {}, query = new URLSearchParams({ task: about.task });
    about.inputs.forEach((name, place) => {
      inputs[name] = name !== about.chat ? rest[place]
        : [{ role: "system", content: rest[place] || "" }, ...(talk || []).map(({ role, content }) => ({ role, content }))];
    });
    if (model) query.set("model", model);
    about.params.forEach(([key, name], place) => {
      const value = rest[about.inputs.length + place];
      if (same(value, about.defaults[place])) return;
      params[key] = value;
      query.set(`p.${name}`, typeof value === "string" ? value : JSON.stringify(value));
    });
    const other = new URLSearchParams(location.search).get("__theme");
    if (other) query.set("__theme", other);
    history.replaceState(history.state, "", `${location.pathname}?${query.toString().replaceAll("%3A", ":").replaceAll("%2F", "/")}`);
    save({ ...load(), last: about.task, [about.task]: { model, inputs, params, message: about.chat ? message : "" } });
  };
  const copyLink = () => copy($("button#copy-link, #copy-link button"), location.href);
  window.studioPlayground = { opened, picked, keep, copyLink };

  // ---- the dialog of tasks
  const dialog = () => $("dialog.tasks");
  const links = (box) => $$("a[data-task]", box).filter((link) => !link.closest("[hidden]"));
  const openDialog = () => {
    const box = dialog(), search = $("input", box), now = form()?.task;
    for (const link of $$("a[data-task]", box)) link.toggleAttribute("aria-current", link.dataset.task === now);
    for (const link of $$("a[aria-current]", box)) link.setAttribute("aria-current", "true");
    search.value = "";
    narrow();
    box.showModal();
    search.focus();
  };
  const narrow = () => {
    const box = dialog(), words = $("input", box).value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const item of $$("li", box)) {
      const said = `${item.textContent} ${$("a", item).dataset.task}`.toLowerCase();
      item.hidden = !words.every((word) => said.includes(word));
    }
    for (const group of $$("section", box)) group.hidden = !$("li:not([hidden])", group);
    $(".no-task", box).hidden = Boolean($("li:not([hidden])", box));
  };
  const choose = (task) => { wanted = target = task; dialog().close(); $("button#pick-task, #pick-task button")?.click(); };
  const move = (event) => {
    const all = links(dialog()), at = all.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { event.preventDefault(); (at + step < 0 ? $("input", dialog()) : all[Math.min(all.length - 1, at + step)])?.focus(); }
    else if (event.key === "Enter" && at < 0 && all.length) { event.preventDefault(); choose(all[0].dataset.task); }
  };
  document.addEventListener("input", (event) => {
    if (event.target.closest?.("dialog.tasks")) narrow();
    unmark(event.target.closest?.(".field.wrong"));
  });

  // ---- a message from the model's side: mark the fields that it names
  const unmark = (field) => {
    field?.classList.remove("wrong");
    for (const input of field ? $$("[aria-invalid]", field) : []) input.removeAttribute("aria-invalid");
  };
  let told = null;
  const mark = () => {
    const message = $$(".notice[data-fields]").filter((place) => place.offsetParent).pop() || null;
    if (message === told) return;
    told = message;
    if (message) { // the button may stand a screen below
      const { top, bottom } = message.getBoundingClientRect();
      if (top < 0 || bottom > innerHeight) message.scrollIntoView({ block: "center", behavior: "smooth" });
    }
    $$(".field.wrong").forEach(unmark);
    const names = message ? message.dataset.fields.split(" ").filter(Boolean) : [];
    const fields = names.flatMap((name) => $$(`.at-${CSS.escape(name)}`));
    for (const field of fields) {
      field.classList.add("wrong");
      $("input:not([type=file]), textarea", field)?.setAttribute("aria-invalid", "true");
      $(".label-wrap:not(.open)", field.closest(".folded") || field)?.click();
    }
  };

  let known = null;
  const greet = () => {
    const place = $$("[data-form]").pop() || null;
    if (place === known) return;
    known = place;
    if (place) $("button#keep-now, #keep-now button")?.click();
  };

  // ---- on a phone the result stands below: go there when it comes
  let shown = "";
  const follow = () => {
    const result = $("#result"), now = result?.querySelector(".waiting") ? "waiting" : "";
    if (now && now !== shown && result.getBoundingClientRect().top > innerHeight - 120) result.scrollIntoView({ block: "start", behavior: "smooth" });
    shown = now;
  };

  // ---- what a stopped run has left: no cursor, no moving bar
  const settle = () => {
    const rests = $$(".run-row .main-action").some((button) => button.offsetParent);
    for (const unfinished of $$("#result .written:has(.cursor-block), #result .waiting")) unfinished.classList.toggle("stopped", rests);
  };

  document.addEventListener("click", (event) => {
    const hit = (selector) => event.target.closest?.(selector);
    const link = hit("a[data-task]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) { event.preventDefault(); choose(link.dataset.task); }
    else if (hit("[data-pick]")) openDialog();
    else if (hit("[data-pick-close]") || event.target === dialog()) dialog().close();
    else if (hit("[data-take]")) take(hit("[data-take]").dataset.take);
    else if (hit("[data-copy-text]")) copy(hit("[data-copy-text]"), $("[data-text]", hit("figure")).textContent);
    else if (hit("[data-seek]")) seek(hit("[data-seek]"));
    else if (hit("svg.wave")) seekTo(hit(".player"), (event.clientX - hit("svg.wave").getBoundingClientRect().left) / hit("svg.wave").clientWidth);
  });
  document.addEventListener("change", (event) => {
    const layer = event.target.dataset?.switch;
    if (layer === undefined) return;
    for (const drawn of $$(`[data-layer="${CSS.escape(layer)}"]`, event.target.closest("figure"))) drawn.hidden = !event.target.checked;
  });
  const copy = async (button, text) => {
    const before = button.textContent;
    try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; } catch { button.textContent = "Not allowed"; }
    setTimeout(() => { button.textContent = before; }, 1600);
  };
  const take = (ref) => {
    const field = $("#take-model textarea, #take-model input");
    field.value = ref;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };

  // ---- players: parts lead to their place, the line shows where it is
  const seek = (button) => {
    const audio = $("audio", button.closest(".player"));
    if (!audio) return;
    audio.currentTime = Number(button.dataset.seek);
    audio.play();
  };
  const seekTo = (player, share) => { const audio = $("audio", player); if (audio?.duration) audio.currentTime = share * audio.duration; };
  document.addEventListener("timeupdate", (event) => {
    const player = event.target.closest?.(".player");
    if (!player) return;
    const at = event.target.currentTime, line = $(".wave .now", player);
    if (line && event.target.duration) for (const end of ["x1", "x2"]) line.setAttribute(end, (1000 * at) / event.target.duration);
    for (const part of $$("[data-seek]", player)) {
      const until = part.dataset.until === "" ? Infinity : Number(part.dataset.until);
      part.closest("li").classList.toggle("playing", at >= Number(part.dataset.seek) && at < until);
    }
  }, true);

  document.addEventListener("keydown", (event) => {
    if (!here()) return;
    if (dialog()?.open) { move(event); return; }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const run = $$(".main-action").find((button) => button.offsetParent);
      if (run) { event.preventDefault(); event.stopPropagation(); run.click(); }
    }
  }, true);
  let scheduled = false;
  const quiet = () => { for (const icon of $$(".example img:not([alt=''])")) icon.alt = ""; }; // the words beside it say it
  const look = () => { scheduled = false; if (here()) { quiet(); greet(); mark(); follow(); settle(); } };
  new MutationObserver(() => { if (!scheduled) { scheduled = true; requestAnimationFrame(look); } }).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] }); // buttons come and go by theirs
})();
