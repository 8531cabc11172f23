// Hover text from the pictures' own labels, and the language asked for in the address (#en, #zh).
(function () {
  var tip = document.querySelector(".tip");
  document.addEventListener("pointermove", function (event) {
    var mark = event.target.closest && event.target.closest(".draw [aria-label]");
    var own = mark && mark.tagName === "path" && mark.getAttribute("aria-label");
    tip.textContent = own || "";
    tip.style.left = Math.min(event.clientX + 12, window.innerWidth - 200) + "px";
    tip.style.top = event.clientY + 14 + "px";
  });
  function choose() {
    var asked = location.hash.slice(1);
    var button = document.getElementById("to-" + asked);
    if (button) { button.checked = true; show(); }
  }
  function show() {
    var chosen = document.querySelector(".switch:checked");
    if (chosen) { document.documentElement.lang = chosen.value; }
  }
  document.addEventListener("change", show);
  window.addEventListener("hashchange", choose);
  choose();
})();
