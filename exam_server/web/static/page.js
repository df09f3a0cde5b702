// Small comforts: one click sends a form once; "print" prints.
"use strict";

(() => {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    setTimeout(() => { delete form.dataset.sent; }, 4000);
  });
  addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
  });
  document.querySelectorAll("[data-file-name]").forEach((shown) => {
    const input = document.getElementById(shown.dataset.fileName);
    const nothing = shown.textContent;
    input.addEventListener("change", () => { shown.textContent = input.files[0]?.name ?? nothing; });
  });
  document.querySelectorAll("[data-print]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => print());
  });
})();
