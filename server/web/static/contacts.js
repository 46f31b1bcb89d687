// What the pages of contacts need beyond app.js: further rows of extra fields, and a file to import with its progress.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const $ = (id) => document.getElementById(id);

  const add = $("extra-add");
  if (add) {
    add.hidden = false;
    add.addEventListener("click", () => {
      const rows = $("extra-rows");
      const row = rows.lastElementChild.cloneNode(true);
      row.querySelectorAll("input").forEach((input) => { input.value = ""; });
      rows.append(row);
      row.querySelector("input").focus();
    });
  }

  const form = $("import");
  if (!form) return;
  const file = $("import-file");
  const drop = $("import-drop");
  const limit = 1 << 20; // bytes that the API takes
  let sending = false;
  let key = form.elements.once.value;
  drop.hidden = false;

  function fault(message, code) {
    $("import-fault").hidden = !message;
    $("import-message").textContent = message;
    $("import-code").textContent = code || "";
    $("import-code").hidden = !code;
  }
  function begin(list) {
    if (sending) return;
    if (list.size > limit) {
      fault(form.dataset.wordLarge, "body_too_large");
      return;
    }
    sending = true;
    fault("", "");
    $("import-state").hidden = false;
    $("import-word").textContent = form.dataset.wordSending;
    const request = new XMLHttpRequest();
    request.open("POST", "/app/api/v1/contacts/import");
    request.setRequestHeader("Content-Type", "text/csv; charset=utf-8");
    request.setRequestHeader("X-Csrf-Token", window.switchhook.csrf());
    request.setRequestHeader("Idempotency-Key", "dashboard-" + [key, list.size, list.lastModified].join("-"));
    request.upload.addEventListener("progress", (step) => {
      if (step.lengthComputable) $("import-progress").value = Math.round(100 * step.loaded / step.total);
    });
    const end = (message, code) => {
      sending = false;
      file.value = "";
      $("import-state").hidden = true;
      $("import-word").textContent = "";
      fault(message, code);
    };
    request.addEventListener("error", () => end(form.dataset.wordLost, ""));
    request.addEventListener("load", () => {
      let answer = {};
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        answer = { message: form.dataset.wordLost };
      }
      if (request.status === 202) {
        location.href = "/app/contacts/imports/" + encodeURIComponent(answer.id);
        return;
      }
      key = Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
      end(answer.message, answer.code);
    });
    request.send(list);
  }
  $("import-choose").addEventListener("click", () => file.click());
  file.addEventListener("change", () => file.files.length && begin(file.files[0]));
  form.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  form.addEventListener("dragleave", () => drop.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer.files.length) begin(event.dataTransfer.files[0]);
  });
});
