// Small comforts: one click sends a form once; "print" prints; a click on a picture
// that is answered on tells its pixels.
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
  document.querySelectorAll("[data-coordinates]").forEach((place) => {
    const picture = place.querySelector("svg");
    picture.addEventListener("click", (event) => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(
        picture.getScreenCTM().inverse());
      place.querySelector("output").textContent = `${Math.round(at.x)}, ${Math.round(at.y)}`;
    });
  });
  document.querySelectorAll("[data-print]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => print());
  });
})();
