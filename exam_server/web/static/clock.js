// Counts remaining times down between refreshes. The time is the server's, never this computer's:
// each clock brings the seconds left when it was written, and monotonic time does the rest.
"use strict";

(() => {
  const LOW = 300;
  const began = new WeakMap();

  function show(clock) {
    if (!began.has(clock)) began.set(clock, performance.now());
    const left = Number(clock.dataset.left);
    const passed = clock.hasAttribute("data-runs") ? (performance.now() - began.get(clock)) / 1000 : 0;
    const seconds = Math.max(0, Math.ceil(left - passed));
    const hours = Math.floor(seconds / 3600);
    const minutes = String(Math.floor((seconds % 3600) / 60)).padStart(2, "0");
    const rest = String(seconds % 60).padStart(2, "0");
    clock.textContent = hours > 0 ? `${hours}:${minutes}:${rest}` : `${minutes}:${rest}`;
    clock.classList.toggle("low", clock.hasAttribute("data-runs") && seconds < LOW);
  }

  function tick() {
    document.querySelectorAll("[data-left]").forEach(show);
  }

  addEventListener("parts-refreshed", tick);
  setInterval(tick, 500);
  tick();
})();
