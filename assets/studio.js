// The studio in the browser: colours, menu, shortcuts, who is signed in, copy buttons, chart read-outs, live jobs.
// Text from the server is set as text; `chip`, `bar`, `problem` and chart markup comes escaped from studio/ui/parts.py and charts.py.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

  // ---- colours: our choice wins over Gradio's, which follows the system
  const KEY = "studio-theme";
  const system = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  let mode = new URLSearchParams(location.search).get("__theme") || stored() || "system";
  const paint = () => {
    const dark = mode === "dark" || (mode !== "light" && system.matches);
    if (document.body && document.body.classList.contains("dark") !== dark) document.body.classList.toggle("dark", dark);
    document.documentElement.style.colorScheme = dark ? "dark" : "light";
    for (const button of $$("[data-theme-mode]")) {
      const pressed = String(button.dataset.themeMode === mode);
      if (button.getAttribute("aria-pressed") !== pressed) button.setAttribute("aria-pressed", pressed);
    }
  };
  const setMode = (wanted) => { mode = wanted; try { localStorage.setItem(KEY, mode); } catch { /* private window */ } paint(); };
  system.addEventListener("change", paint);

  // ---- menu on phones
  const menu = (open) => {
    document.documentElement.classList.toggle("menu-open", open);
    for (const button of $$("[data-menu]")) button.setAttribute("aria-expanded", String(open));
    if (open) $(".sidebar a[aria-current], .sidebar nav a")?.focus();
  };
  const menuIsOpen = () => document.documentElement.classList.contains("menu-open");

  document.addEventListener("click", (event) => {
    const hit = (selector) => event.target.closest?.(selector);
    // not by the address: Gradio's <base> makes "#main" the start page's
    if (hit(".skip-link")) { event.preventDefault(); $("#main")?.focus(); }
    else if (hit("[data-menu]")) menu(!menuIsOpen());
    else if (hit("[data-menu-close]")) menu(false);
    else if (hit("[data-help]")) openHelp();
    else if (hit("[data-theme-mode]")) setMode(hit("[data-theme-mode]").dataset.themeMode);
    else if (hit("[data-copy]")) copy(hit("[data-copy]"), $("pre", hit("figure")).textContent);
    else if (hit("[data-copy-log]")) copy(hit("[data-copy-log]"), $(".log", hit(".log-frame")).textContent);
  });
  const copy = async (button, text) => {
    const before = button.textContent;
    try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; } catch { button.textContent = "Not allowed"; }
    setTimeout(() => { button.textContent = before; }, 1600);
  };

  // ---- keyboard; single keys can be switched off, for whoever dictates or strikes keys by accident
  const KEYS = "studio-keys";
  let keys = true;
  try { keys = localStorage.getItem(KEYS) !== "off"; } catch { /* private window */ }
  const openHelp = () => { const help = $("dialog.help"); if (help) { $("[data-keys]", help).checked = keys; help.showModal(); } };
  document.addEventListener("change", (event) => {
    if (!event.target.matches?.("[data-keys]")) return;
    keys = event.target.checked;
    try { localStorage.setItem(KEYS, keys ? "on" : "off"); } catch { /* private window */ }
  });
  // the page behind the open menu is covered: whoever tabs out of the menu closes it
  document.addEventListener("focusin", (event) => { if (menuIsOpen() && !event.target.closest(".sidebar, [data-menu], dialog")) menu(false); });
  let goUntil = 0;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menuIsOpen()) { menu(false); $("[data-menu]")?.focus(); return; }
    const typing = event.target.closest?.("input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable], [role=textbox], .cm-editor");
    if (!keys || typing || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
    if (Date.now() < goUntil) {
      goUntil = 0;
      const link = $$(".sidebar a[data-key]").find((entry) => entry.dataset.key === event.key);
      if (link) { event.preventDefault(); link.click(); }
    } else if (event.key === "g") goUntil = Date.now() + 1500;
    else if (event.key === "?") openHelp();
    else if (event.key === "t") setMode({ light: "dark", dark: "system", system: "light" }[mode] || "light");
    else if (event.key === "/") {
      const field = $$(".gradio-container input, .gradio-container textarea").find((input) => input.offsetParent && !input.disabled);
      if (field) { event.preventDefault(); field.focus(); }
    }
  });

  // ---- who is here, and whether the Hub is
  let session = null;
  const showSession = () => {
    const hub = $("[data-hub]"), account = $("[data-account]");
    if (!session || !hub || !hub.hidden) return;
    hub.hidden = false;
    hub.classList.toggle("good", session.hub.reachable);
    hub.textContent = session.hub.reachable ? "Hub reachable" : "Offline: working from the starter kit";
    hub.title = session.hub.reason || "";
    const { name, signed_in, local } = session.account;
    if (local) return;
    account.hidden = false;
    account.textContent = signed_in ? name : "Not signed in";
    const href = session.sign_in || session.sign_out;
    if (!href) return;
    const link = document.createElement("a");
    link.textContent = session.sign_in ? "Sign in" : "Sign out";
    link.href = `${href}?_target_url=${encodeURIComponent(location.pathname + location.search)}`;
    account.append(" ", link);
  };
  const askSession = async () => {
    try {
      const answer = await fetch("/api/session", { credentials: "same-origin" });
      if (answer.ok) { session = await answer.json(); showSession(); }
    } catch { /* the page works without it */ }
  };

  // ---- chart read-out: the nearest step of every line
  document.addEventListener("pointermove", (event) => {
    const plot = event.target.closest?.(".plot");
    for (const other of $$(".read-out:not([hidden])")) if (!plot || !plot.contains(other)) hideReadOut(other.closest(".plot"));
    if (plot) showReadOut(plot, event);
  });
  const hideReadOut = (plot) => { $(".read-out", plot).hidden = true; $(".cursor", plot).setAttribute("hidden", ""); };
  const charts = new WeakMap();
  const showReadOut = (plot, event) => {
    const figure = plot.closest("[data-chart]"), svg = $("svg", plot);
    if (!figure || !svg) return;
    if (!charts.has(figure)) charts.set(figure, JSON.parse(figure.dataset.chart));
    const box = svg.getBoundingClientRect(), scale = svg.viewBox.baseVal.width / box.width;
    const at = (event.clientX - box.left) * scale;
    const nearest = charts.get(figure).map((line, index) => ({ line, index, point: closest(line.points, at) })).filter((found) => found.point);
    if (!nearest.length) return;
    const main = nearest.reduce((a, b) => (Math.abs(b.point[0] - at) < Math.abs(a.point[0] - at) ? b : a)).point;
    const read = $(".read-out", plot), cursor = $(".cursor", plot);
    const step = document.createElement("p");
    step.className = "step";
    step.textContent = `step ${main[2]}`;
    read.replaceChildren(step, ...nearest.map(({ line, index, point }) => {
      const row = document.createElement("p"), value = document.createElement("b");
      row.className = `c${index % 8}`;
      row.append(line.name);
      value.textContent = String(point[3]);
      row.append(value);
      return row;
    }));
    read.hidden = false;
    cursor.removeAttribute("hidden");
    const ruler = $("line", cursor);
    ruler.setAttribute("x1", main[0]);
    ruler.setAttribute("x2", main[0]);
    for (const dot of $$("circle", cursor)) dot.remove();
    for (const { index, point } of nearest) {
      const dot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
      dot.setAttribute("cx", point[0]); dot.setAttribute("cy", point[1]); dot.setAttribute("r", "4.5");
      dot.setAttribute("class", `c${index % 8}`);
      cursor.append(dot);
    }
    const left = main[0] / scale, width = read.offsetWidth;
    read.style.left = `${left + width + 24 > box.width ? Math.max(0, left - width - 12) : left + 12}px`;
  };
  const closest = (points, at) => {
    let low = 0, high = points.length - 1;
    if (high < 0) return null;
    while (high - low > 1) { const middle = (low + high) >> 1; if (points[middle][0] < at) low = middle; else high = middle; }
    return Math.abs(points[low][0] - at) <= Math.abs(points[high][0] - at) ? points[low] : points[high];
  };

  // ---- a message at a field that is out of sight: the button that was pressed stands a screen below, so go there
  const told = new WeakSet();
  const showProblem = () => {
    const fresh = $$(".validation-error:not(input, textarea)").filter((message) => !told.has(message));
    if (!fresh.length) return;
    for (const message of fresh) { told.add(message); message.tabIndex = -1; message.setAttribute("role", "alert"); }
    const field = fresh[0].closest(".field") || fresh[0];
    $(".label-wrap:not(.open)", field.closest(".folded") || fresh[0])?.click();
    requestAnimationFrame(() => {
      const { top, bottom } = field.getBoundingClientRect();
      if (top >= 0 && bottom <= innerHeight) return;
      field.scrollIntoView({ block: "center" });
      fresh[0].focus({ preventScroll: true }); // not the input: a menu would open over the message
    });
  };

  // ---- live jobs: one stream for the list, one for each job whose log or curves are on the page
  const LOG_CHARACTERS = 400000;
  const details = new Map(); // job id → {source, state, log, chart}: kept here so that a re-render is filled again
  let list = null;
  let known = null;
  const places = (id) => $$(`[data-job-live="${CSS.escape(id)}"]`);
  const wantsDetail = (element) => Boolean($('[data-live="log"], [data-live="chart"], [data-live="message"], [data-live="error"]', element));
  const markup = (place, html) => { if (place.dataset.shown !== html) { place.innerHTML = html; place.dataset.shown = html; } };
  const clock = (seconds) => seconds < 60 ? `${seconds} s` : seconds < 3600 ? `${Math.floor(seconds / 60)} min ${seconds % 60} s` : `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`;
  const drawState = (id, state) => {
    for (const element of places(id)) {
      const each = (name, draw) => $$(`[data-live="${name}"]`, element).forEach(draw);
      each("state", (place) => markup(place, state.chip));
      each("progress", (place) => markup(place, state.bar));
      each("message", (place) => { place.textContent = state.waiting_for || state.message || ""; });
      each("error", (place) => markup(place, state.problem));
      each("result", (place) => markup(place, state.result));
      each("seconds", (place) => {
        place.dataset.since = state.finished || state.time ? "" : String(Date.now() - state.seconds * 1000);
        place.textContent = state.time || clock(state.seconds);
      });
    }
  };
  setInterval(() => {
    for (const place of $$('[data-live="seconds"][data-since]')) {
      if (place.dataset.since) place.textContent = clock(Math.max(0, Math.floor((Date.now() - Number(place.dataset.since)) / 1000)));
    }
  }, 1000);
  const drawLog = (id) => {
    const { log } = details.get(id);
    for (const element of places(id)) for (const view of $$('[data-live="log"]', element)) {
      const shown = view.textContent.length;
      if (view.dataset.log === log.number && shown === log.text.length) continue;
      const atEnd = view.scrollHeight - view.scrollTop - view.clientHeight < 40;
      if (view.dataset.log === log.number && shown < log.text.length) view.append(log.text.slice(shown));
      else view.textContent = log.text;
      view.dataset.log = log.number;
      if (atEnd || !shown) view.scrollTop = view.scrollHeight;
    }
  };
  const drawChart = (id) => {
    const { chart } = details.get(id);
    if (chart !== null) for (const element of places(id)) for (const place of $$('[data-live="chart"]', element)) markup(place, chart);
  };
  const follow = (id) => {
    const source = new EventSource(`/api/events?job=${encodeURIComponent(id)}`);
    const job = { source, state: null, log: { text: "", number: "0" }, chart: null };
    details.set(id, job);
    source.addEventListener("state", (event) => { job.state = JSON.parse(event.data); drawState(id, job.state); });
    source.addEventListener("log", (event) => {
      const { text, reset } = JSON.parse(event.data);
      const whole = (reset ? "" : job.log.text) + text;
      const cut = whole.length > LOG_CHARACTERS;
      if (reset || cut) job.log.number = String(Number(job.log.number) + 1);
      job.log.text = cut ? whole.slice(whole.indexOf("\n", whole.length - LOG_CHARACTERS / 2) + 1) : whole;
      drawLog(id);
    });
    source.addEventListener("chart", (event) => { job.chart = JSON.parse(event.data).html; drawChart(id); });
    source.addEventListener("end", () => {
      source.close();
      document.dispatchEvent(new CustomEvent("studio:job", { detail: { ...job.state, id } }));
    });
  };
  const followList = () => {
    list = new EventSource("/api/events");
    list.addEventListener("jobs", (event) => {
      const jobs = JSON.parse(event.data);
      for (const job of jobs) if (!details.has(job.id)) drawState(job.id, job);
      const now = jobs.map((job) => `${job.id} ${job.state}`).join();
      if (known !== null && known !== now) $("button#jobs-changed, #jobs-changed button")?.click();
      known = now;
      document.dispatchEvent(new CustomEvent("studio:jobs", { detail: jobs }));
    });
  };
  const connect = () => {
    const elements = $$("[data-job-live]");
    const wanted = new Set(elements.filter(wantsDetail).map((element) => element.dataset.jobLive).filter(Boolean));
    for (const [id, job] of details) if (!wanted.has(id)) { job.source.close(); details.delete(id); }
    for (const id of [...wanted].slice(-3)) {
      if (!details.has(id)) { follow(id); continue; }
      if (details.get(id).state) drawState(id, details.get(id).state);
      drawLog(id);
      drawChart(id);
    }
    const listed = elements.some((element) => !wanted.has(element.dataset.jobLive)) || Boolean($("#jobs-changed"));
    if (listed && !list) followList();
  };

  // ---- Gradio draws and redraws as it likes: look again after each batch of changes
  let scheduled = false;
  const look = () => {
    scheduled = false;
    paint();
    showSession();
    showProblem();
    connect();
    for (const code of $$(".cm-scroller[tabindex='-1'], .prose pre:not([tabindex])")) code.tabIndex = 0; // long lines scroll by keyboard
    for (const nothing of $$(".empty[aria-label]:not([role])")) nothing.setAttribute("role", "img"); // a name needs a role
    const title = $(".page-head")?.dataset.title;
    if (title && !document.title.startsWith(title)) document.title = `${title} · Studio`;
    if (document.documentElement.lang !== "en") document.documentElement.lang = "en";
  };
  const schedule = () => { if (!scheduled) { scheduled = true; requestAnimationFrame(look); } };
  new MutationObserver(schedule).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["class", "data-job-live"] });
  addEventListener("pagehide", () => { for (const job of details.values()) job.source.close(); list?.close(); });
  addEventListener("pageshow", (event) => { if (event.persisted) { details.clear(); list = null; schedule(); } });
  document.addEventListener("DOMContentLoaded", () => { paint(); askSession(); schedule(); });
  paint();
})();
