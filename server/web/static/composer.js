// The page on which a post is written: what belongs to what was chosen, files with their progress, and the preview's description of them.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const files = []; // {file, alt, url}
  let form = null;

  document.addEventListener("DOMContentLoaded", () => {
    form = $("#composer");
    if (!form) return;
    form.addEventListener("change", arrange);
    arrange();
    const upload = $("[data-upload]");
    if (!upload) return;
    upload.hidden = false;
    $("#upload").addEventListener("change", add);
    // Before app.js, which would take the form for sent.
    window.addEventListener("submit", send, true);
  });

  // arrange shows what belongs to the chosen queue or channels.
  function arrange() {
    const queue = $('[name="queue"]', form);
    const inQueue = Boolean(queue && queue.value);
    const chosen = inQueue
      ? queue.selectedOptions[0].dataset.channels.split(" ")
      : all('[name="channels"]:checked', form).map((box) => box.value);
    $("#channel-choices").hidden = inQueue;
    $("#when-at").hidden = inQueue;
    const at = $('[name="when"][value="at"]', form);
    if (inQueue && at.checked) $('[name="when"][value="go"]', form).checked = true;
    const word = $("#when-go");
    word.textContent = inQueue ? word.dataset.wordSlot : word.dataset.wordNow;
    const parts = all(".override", form);
    parts.forEach((part) => { part.hidden = !chosen.includes(part.dataset.channel); });
    parts[0].closest(".card").hidden = parts.every((part) => part.hidden);
    if (document.activeElement && document.activeElement.name === "at") at.checked = true;
  }

  // --- files ----------------------------------------------------------------------------------------------------------------------------------
  function add(event) {
    Array.from(event.target.files).forEach((file) => files.push({ file, alt: "", url: URL.createObjectURL(file) }));
    event.target.value = "";
    draw();
  }
  function draw() {
    const list = $("#files");
    list.replaceChildren(...files.map((entry, index) => row(list, entry, index)));
    form.dispatchEvent(new Event("change", { bubbles: true }));
  }
  function row(list, entry, index) {
    const item = document.createElement("li");
    const picture = document.createElement(entry.file.type.startsWith("video/") ? "video" : "img");
    picture.src = entry.url;
    if (picture.tagName === "IMG") picture.alt = "";
    const rest = document.createElement("div");
    const head = document.createElement("div");
    head.className = "kept-name";
    const name = document.createElement("span");
    name.className = "clip";
    name.textContent = `${entry.file.name} · ${(entry.file.size / 1048576).toFixed(1)} MiB`;
    head.append(name);
    if (index > 0) head.append(button("↑", list.dataset.wordFirst, entry, () => files.splice(index - 1, 0, files.splice(index, 1)[0])));
    head.append(button("×", list.dataset.wordDrop, entry, () => URL.revokeObjectURL(files.splice(index, 1)[0].url)));
    const label = document.createElement("label");
    const alt = document.createElement("input");
    alt.value = entry.alt;
    alt.maxLength = 2000;
    const described = document.createElement("input");
    described.type = "hidden";
    described.name = "file";
    const describe = () => {
      entry.alt = alt.value;
      described.value = JSON.stringify({ contentType: entry.file.type, size: entry.file.size, alt: entry.alt });
    };
    alt.addEventListener("input", describe);
    describe();
    label.append(list.dataset.wordAlt + " ", alt);
    rest.append(head, label, described);
    item.append(picture, rest);
    return item;
  }
  function button(text, word, entry, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "ghost icon small";
    made.textContent = text;
    made.setAttribute("aria-label", word.replace("%s", entry.file.name));
    made.addEventListener("click", () => { act(); draw(); $("#upload").focus(); });
    return made;
  }

  // --- sending --------------------------------------------------------------------------------------------------------------------------------
  // Without files the form is sent as forms are. With files the server first says what the form is for the HTTP interface, and then takes it with them.
  function send(event) {
    if (event.target !== form || files.length === 0) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (form.dataset.busy) return;
    form.dataset.busy = "yes";
    const submit = $('button[type="submit"].large', form);
    submit.setAttribute("aria-busy", "true");
    const values = new URLSearchParams(new FormData(form));
    values.delete("file");
    fetch("/app/posts/payload", { method: "POST", body: values, headers: { "X-Csrf-Token": window.switchhook.csrf(), "HX-Request": "true" } })
      .then(async (answer) => (answer.ok ? post(await answer.text()) : Promise.reject(new Error(await answer.text()))))
      .then((made) => { location.href = "/app/posts/" + made.id; })
      .catch((failure) => {
        delete form.dataset.busy;
        submit.removeAttribute("aria-busy");
        $("#progress").hidden = true;
        tell(failure);
      });
  }
  function post(payload) {
    const body = new FormData();
    body.append("payload", payload);
    files.forEach((entry) => {
      body.append("media_file", entry.file);
      body.append("alt", entry.alt);
    });
    const bar = $("#progress-bar");
    $("#progress").hidden = false;
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", "/app/api/v1/posts");
      request.setRequestHeader("X-Csrf-Token", window.switchhook.csrf());
      request.setRequestHeader("Idempotency-Key", "dashboard-" + $('[name="once"]', form).value);
      request.upload.addEventListener("progress", (event) => {
        if (!event.lengthComputable) return;
        bar.value = Math.round((event.loaded / event.total) * 100);
        $("#progress-word").textContent = bar.value + " %";
      });
      request.addEventListener("load", () => {
        let answer = {};
        try { answer = JSON.parse(request.responseText); } catch { /* a proxy's page */ }
        if (request.status < 300 && answer.id) return resolve(answer);
        // Another try is another request, unless nobody knows what became of this one.
        $('[name="once"]', form).value = Date.now().toString(36) + Math.random().toString(36).slice(2);
        const said = (answer.errors || []).map((fault) => fault.message);
        reject(new Error(said.length ? Array.from(new Set(said)).join("\n") : answer.message || form.dataset.wordFail));
      });
      request.addEventListener("error", () => reject(new Error(form.dataset.wordLine)));
      request.send(body);
    });
  }
  function tell(failure) {
    const box = $("#composer-fault");
    $("div", box).replaceChildren(...[form.dataset.wordFail].concat(failure.message.split("\n")).filter((line, i, lines) => line && lines.indexOf(line) === i).map((line) => {
      const sentence = document.createElement("p");
      sentence.textContent = line;
      return sentence;
    }));
    box.hidden = false;
    box.focus();
  }
})();
