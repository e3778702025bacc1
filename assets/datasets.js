// The data sets' page in the browser: its address is what is looked at. Links that stay on the page (data-go) change the
// hidden field that the page follows; back and forward do the same.
(() => {
  "use strict";
  const field = () => document.querySelector("#dataset-query textarea, #dataset-query input");
  const here = () => location.search.replace(/^\?/, "");
  const theme = () => new URLSearchParams(location.search).get("__theme");
  const without = (query) => { const all = new URLSearchParams(query); all.delete("__theme"); return all.toString().replaceAll("%3A", ":").replaceAll("%2F", "/"); };
  const put = (query) => {
    const all = new URLSearchParams(query), kept = theme();
    if (kept) all.set("__theme", kept);
    const told = all.toString().replaceAll("%3A", ":").replaceAll("%2F", "/");
    if (told !== here()) history.pushState({}, "", `${location.pathname}${told ? `?${told}` : ""}`);
  };
  const set = (query) => {
    const input = field();
    if (!input) return;
    input.value = query || "list";
    input.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const opened = () => without(here()) || "list";
  const went = (query) => { put(query === "list" ? "" : query); return query; };
  const tab = (id) => {
    const query = new URLSearchParams(without(here()));
    if (!query.get("ref")) return "list";
    if (id === "rows") query.delete("tab"); else query.set("tab", id);
    for (const name of id === "rows" ? [] : ["row", "page"]) query.delete(name);
    return query.toString().replaceAll("%3A", ":").replaceAll("%2F", "/");
  };
  window.studioDatasets = { opened, went, tab };

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-go]");
    if (!link || !field() || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    set(new URL(link.href).search.replace(/^\?/, ""));
    document.querySelector("#dataset-tabs")?.scrollIntoView({ block: "nearest" });
  });
  addEventListener("popstate", () => { if (field()) set(without(here())); });
})();
