// Keeps a page's parts fresh: listens for "changed", fetches the parts again, swaps them.
// The page is complete without this script; only its liveness needs it.
"use strict";

(() => {
  const page = document.querySelector("[data-events]");
  if (!page) return;

  const SILENCE = 25000; // the server speaks at least every 10 s
  const banner = document.querySelector("[data-link-lost]");
  const state = document.querySelector("[data-link-state]");
  const parts = [...document.querySelectorAll("[data-part]")];
  const shown = new WeakMap();
  let heard = Date.now();
  let source = null;
  let lost = null; // not known yet
  let refreshing = false;
  let again = false;
  let retry = null;

  function setLost(value) {
    if (value === lost) return;
    lost = value;
    banner.hidden = !value;
    state.textContent = value ? state.dataset.lost : state.dataset.live;
    state.classList.toggle("lost", value);
    state.classList.toggle("live", !value);
  }

  function markChanges(part, before) {
    for (const tile of part.querySelectorAll("[data-key]")) {
      const old = before.get(tile.dataset.key);
      if (old !== undefined && old !== tile.dataset.state) tile.classList.add("changed");
    }
  }

  function swap(part, html) {
    const before = new Map();
    for (const tile of part.querySelectorAll("[data-key]")) before.set(tile.dataset.key, tile.dataset.state);
    const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
    const parsed = new DOMParser().parseFromString(html, "text/html");
    part.replaceChildren(...parsed.body.childNodes);
    markChanges(part, before);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }

  async function refreshPart(part) {
    const answer = await fetch(part.dataset.part, {
      credentials: "same-origin", cache: "no-store", redirect: "manual",
      headers: { "X-Part": "1" },
    });
    if (answer.type === "opaqueredirect" || answer.status === 401) {
      location.reload(); // the session has ended: the server shows the sign-in page
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    const html = await answer.text();
    if (shown.get(part) !== html) {
      shown.set(part, html);
      swap(part, html);
    }
  }

  async function refresh() {
    if (refreshing) { again = true; return; }
    refreshing = true;
    try {
      do {
        again = false;
        await Promise.all(parts.map(refreshPart));
      } while (again);
      window.dispatchEvent(new Event("parts-refreshed"));
    } catch {
      setLost(true);
      source?.close();
      reconnect();
    } finally {
      refreshing = false;
    }
  }

  function connect() {
    source?.close();
    source = new EventSource(page.dataset.events);
    source.addEventListener("open", () => { heard = Date.now(); });
    source.addEventListener("here", () => { heard = Date.now(); setLost(false); refresh(); });
    source.addEventListener("changed", () => { heard = Date.now(); setLost(false); refresh(); });
    source.addEventListener("ended", () => location.reload());
    source.addEventListener("error", () => {
      setLost(true);
      source.close();
      reconnect();
    });
  }

  function reconnect() {
    if (retry !== null) return;
    retry = setTimeout(() => { retry = null; connect(); }, 2000);
  }

  setInterval(() => {
    if (Date.now() - heard < SILENCE) return;
    setLost(true);
    heard = Date.now();
    connect();
  }, 3000);
  addEventListener("offline", () => setLost(true));
  addEventListener("online", connect);
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
  connect();
})();
