// The data sets' page in the browser: its address is what is looked at. Links that stay on the page (data-go) change the
// hidden field that the page follows; back and forward do the same.
(() => {
  "use strict";
  const field = () => document.querySelector("#dataset-query textarea, #dataset-query input");
  const here = () => location.search.replace(/^\?/, "");
  const theme = () => new URLSearchParams(location.search).get("__theme");
  const without = (query) => { const all = new URLSearchParams(query); all.delete("__theme"); return all.toString().replaceAll("%3A", ":").replaceAll("%2F", "/"); };
  const put = (query, how = "pushState") => {
    const all = new URLSearchParams(query), kept = theme();
    if (kept) all.set("__theme", kept);
    const told = all.toString().replaceAll("%3A", ":").replaceAll("%2F", "/");
    if (told !== here()) history[how]({}, "", `${location.pathname}${told ? `?${told}` : ""}`);
  };
  const set = (query) => {
    const input = field();
    if (!input) return;
    input.value = query || "list";
    input.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const opened = () => without(here()) || "list";
  // what has just been opened is not touched before it is filled: the answer to an early click would be overwritten
  let looked = "", release = 0;
  const hold = (on) => {
    clearTimeout(release);
    for (const panel of document.querySelectorAll("#dataset-tabs [role=tabpanel]")) panel.inert = on;
    if (on) release = setTimeout(() => hold(false), 20000);
  };
  const went = (query) => {
    const all = new URLSearchParams(query), next = `${all.get("ref")} ${all.get("tab")}`;
    if (next !== looked) hold(true);
    looked = next;
    put(query === "list" ? "" : query);
    return query;
  };
  const arrived = () => { hold(false); return []; };
  const tab = (id) => {
    const query = new URLSearchParams(without(here()));
    if (!query.get("ref")) return query.get("job") ? without(here()) : "list";
    if ((query.get("tab") || "rows") === id) return without(here()); // it was the address that opened the tab
    if (id === "rows") query.delete("tab"); else query.set("tab", id);
    for (const name of [...(id === "rows" ? [] : ["row", "page"]), ...(id === "mend" ? [] : ["step", "fields"])]) query.delete(name);
    return query.toString().replaceAll("%3A", ":").replaceAll("%2F", "/");
  };
  // ---- the recipe that is being written: one per data set, in this browser tab's own store
  const STORE = "studio-recipes";
  const ref = () => new URLSearchParams(location.search).get("ref") || "";
  const drafts = () => { try { return JSON.parse(sessionStorage.getItem(STORE)) || {}; } catch { return {}; } };
  const keep = (name, recipe) => {
    const all = drafts();
    if (recipe.trim()) all[name] = recipe; else delete all[name];
    try { sessionStorage.setItem(STORE, JSON.stringify(all)); } catch { /* full, or private */ }
  };
  let placed = null; // the data set whose draft stands in the editor: until it does, the editor has nothing to say
  const draft = () => drafts()[ref()] || "";
  let begun = false;
  const place = (written) => { // what stands in the editor of this data set, or before any draft came, was written here
    const own = written && (placed === ref() || !begun);
    const kept = own ? written : draft();
    begun = true;
    placed = ref();
    if (kept) keep(placed, kept);
    return kept;
  };
  const typed = (recipe) => { if (placed && placed === ref()) keep(placed, recipe || ""); };
  const wrote = (told) => {
    if (!told) return;
    const { ref: name, recipe } = JSON.parse(told);
    placed = null;
    keep(name, recipe);
  };
  window.studioDatasets = { opened, went, arrived, tab, draft, place, typed, wrote };

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-go]");
    if (!link || !field() || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    set(new URL(link.href).search.replace(/^\?/, ""));
    document.querySelector("#dataset-tabs")?.scrollIntoView({ block: "nearest" });
  });
  // ---- a data set on its way is opened when it is there, and takes the place of its job in the history
  const over = new Set();
  document.addEventListener("studio:job", ({ detail: job }) => {
    if (over.has(job.id) || new URLSearchParams(here()).get("job") !== job.id || !field()) return;
    over.add(job.id);
    if (!job.dataset) { document.querySelector("button#dataset-look, #dataset-look button")?.click(); return; }
    const query = new URLSearchParams({ ref: job.dataset }).toString();
    put(query, "replaceState");
    set(query);
  });
  // ---- the list, narrowed by the words that are typed
  const narrow = () => {
    const list = document.querySelector(".dataset-list"), find = document.querySelector("#dataset-find input, #dataset-find textarea");
    if (!list || !find) return;
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of list.querySelectorAll("tbody tr")) {
      const said = row.querySelector("[data-said]")?.dataset.said || row.textContent.toLowerCase();
      row.hidden = !words.every((word) => said.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    list.querySelector(".panel").hidden = !shown;
    list.querySelector("[data-none]").hidden = Boolean(shown);
  };
  let known = null;
  new MutationObserver(() => { // a new list is narrowed as the old one was
    const list = document.querySelector(".dataset-list");
    if (list !== known) { known = list; narrow(); }
  }).observe(document.documentElement, { childList: true, subtree: true });
  document.addEventListener("input", (event) => { if (event.target.closest?.("#dataset-find")) narrow(); });
  addEventListener("popstate", () => { if (field()) set(without(here())); });
})();
