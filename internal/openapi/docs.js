// A link to an operation opens it. Without this script the page works too; operations are opened by hand then.
(function () {
  "use strict";
  function reveal() {
    var element = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (; element; element = element.parentElement) {
      if (element.tagName === "DETAILS") element.open = true;
    }
  }
  addEventListener("hashchange", reveal);
  reveal();
})();
