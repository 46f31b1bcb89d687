// What a conversation needs beyond app.js: new lines without losing the place or what is typed, older ones, days of the reader, and files to send.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const $ = (id) => document.getElementById(id);
  const lines = $("lines");
  if (!lines) return;
  const scroller = $("chat-scroll");
  const down = $("to-newest");

  // --- times and days -------------------------------------------------------------------------------------------------------------------------
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
  const dayOfYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
  const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
  function nameDay(at) {
    const today = new Date();
    const before = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
    if (at.toDateString() === today.toDateString()) return lines.dataset.today;
    if (at.toDateString() === before.toDateString()) return lines.dataset.yesterday;
    return (at.getFullYear() === today.getFullYear() ? day : dayOfYear).format(at);
  }
  // draw puts times into the reader's zone, and a separator before the first line of each of the reader's days.
  function draw() {
    lines.querySelectorAll(":scope > .day").forEach((line) => line.remove());
    let last = "";
    lines.querySelectorAll(":scope > .line").forEach((line) => {
      const at = new Date(line.dataset.at);
      const time = line.querySelector(".meta time");
      time.textContent = clock.format(at);
      time.title = full.format(at);
      line.querySelectorAll("[data-answer]").forEach((button) => { button.hidden = !form || !form.dataset.quotes; });
      if (at.toDateString() === last) return;
      last = at.toDateString();
      const separator = document.createElement("li");
      separator.className = "day";
      separator.textContent = nameDay(at);
      line.before(separator);
    });
  }

  // --- new and older lines --------------------------------------------------------------------------------------------------------------------
  async function fetchLines(address) {
    const answer = await fetch(address, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    if (!answer.ok) throw new Error("status " + answer.status);
    return new DOMParser().parseFromString("<ol>" + (await answer.text()) + "</ol>", "text/html").body.firstElementChild;
  }
  // The scroller is turned over (column-reverse), so that 0 is its end.
  const atEnd = () => scroller.scrollTop > -60;
  // keeping runs a change and leaves on its place what is read.
  function keeping(change) {
    const end = atEnd();
    const top = scroller.getBoundingClientRect().top;
    const held = Array.from(lines.querySelectorAll(":scope > .line")).find((line) => line.getBoundingClientRect().bottom > top);
    const before = held ? held.getBoundingClientRect().top : 0;
    change();
    draw();
    if (end) scroller.scrollTop = 0;
    else if (held && held.isConnected) scroller.scrollTop += held.getBoundingClientRect().top - before;
    down.hidden = atEnd();
    return end;
  }
  let asking = false;
  let again = false;
  async function refresh() {
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    try {
      merge(await fetchLines(lines.dataset.lines));
    } catch {
      // The next signal, or the stream's reload after a gap, asks once more.
    } finally {
      asking = false;
      if (again) {
        again = false;
        refresh();
      }
    }
  }
  function merge(fresh) {
    const arrived = [];
    keeping(() => {
      const known = lines.querySelector(":scope > .line");
      const newest = Array.from(fresh.querySelectorAll(":scope > .line"));
      // After a long gap the newest do not go on from what is shown.
      if (known && newest.length && !newest.some((line) => document.getElementById(line.id))) lines.replaceChildren();
      fresh.querySelectorAll(":scope > .line").forEach((line) => {
        const old = document.getElementById(line.id);
        if (old && old.dataset.version !== line.dataset.version) update(old, line);
        if (!old && (!known || !known.isConnected || line.dataset.at >= known.dataset.at)) {
          lines.append(line);
          if (!line.classList.contains("mine")) arrived.push(line);
        }
      });
      if (known && !known.isConnected && fresh.querySelector(".older")) lines.prepend(fresh.querySelector(".older"));
      const none = $("lines-none");
      if (none && lines.querySelector(".line")) none.remove();
    });
    if (!arrived.length) return;
    const newest = arrived[arrived.length - 1];
    const name = $("main-head").textContent.trim();
    $("newest").textContent = $("newest").dataset.from.replace("%s", name) + ": " + newest.dataset.said;
  }
  // update changes of a line what can change, and leaves alone what plays in it and what has the focus.
  function update(old, line) {
    const shape = (of) => of.querySelectorAll(".media, audio, .media-file").length + " " + (of.querySelector(".text") || of.querySelector(".word") || of).textContent;
    const focused = old.contains(document.activeElement) && document.activeElement.dataset.answer;
    if (shape(old) !== shape(line)) {
      old.replaceWith(line);
    } else {
      for (const part of [".meta", ".reason", ".reactions"]) {
        const was = old.querySelector(part);
        const is = line.querySelector(part);
        if (was && is) was.replaceWith(is);
        else if (was) was.remove();
        else if (is) (part === ".reactions" ? old : old.querySelector(".bubble")).append(is);
      }
      old.className = line.className;
      old.dataset.version = line.dataset.version;
    }
    const button = focused && document.getElementById(line.id).querySelector("[data-answer]");
    if (button) setTimeout(() => button.focus());
  }
  lines.addEventListener("live", refresh);
  lines.addEventListener("click", async (event) => {
    const link = event.target.closest("[data-older]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    link.setAttribute("aria-busy", "true");
    try {
      const older = await fetchLines(link.dataset.older);
      const first = lines.querySelector(":scope > .line");
      keeping(() => {
        link.closest("li").remove();
        lines.prepend(...Array.from(older.children));
      });
      scroller.focus({ preventScroll: true });
      if (first) first.scrollIntoView({ block: "nearest" });
    } catch {
      location.href = link.href;
    }
  });
  lines.addEventListener("click", (event) => {
    const link = event.target.closest("blockquote a");
    const line = link && document.querySelector(link.getAttribute("href"));
    if (!line) return;
    event.preventDefault();
    line.scrollIntoView({ block: "center" });
    line.classList.add("pointed");
    setTimeout(() => line.classList.remove("pointed"), 2000);
  });
  scroller.addEventListener("scroll", () => { if (atEnd()) down.hidden = true; }, { passive: true });
  down.addEventListener("click", () => {
    scroller.scrollTop = 0;
    down.hidden = true;
    scroller.focus({ preventScroll: true });
  });

  // --- the box for an answer ------------------------------------------------------------------------------------------------------------------
  const form = $("reply");
  draw();
  if (!form) return;
  const text = $("reply-text");
  const files = $("reply-file");
  const picked = $("picked");
  const progress = $("reply-progress");
  let chosen = []; // files to send
  let answering = ""; // the network's id of the message that is answered
  let sending = null;
  let attempt = { key: form.elements.once.value, body: "" };

  $("reply-attach").hidden = !form.dataset.files;
  $("reply-keys").hidden = false;
  $("reply-attach").addEventListener("click", () => files.click());
  files.addEventListener("change", () => add(Array.from(files.files)));
  form.addEventListener("dragover", (event) => { if (form.dataset.files) event.preventDefault(); });
  form.addEventListener("drop", (event) => {
    if (!form.dataset.files || !event.dataTransfer.files.length) return;
    event.preventDefault();
    add(Array.from(event.dataTransfer.files));
  });
  text.addEventListener("paste", (event) => {
    if (!form.dataset.files || !event.clipboardData.files.length) return;
    event.preventDefault();
    add(Array.from(event.clipboardData.files));
  });
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });

  function add(more) {
    chosen = chosen.concat(more);
    files.value = "";
    showChosen();
  }
  function showChosen() {
    picked.querySelectorAll("img").forEach((image) => URL.revokeObjectURL(image.src));
    picked.replaceChildren(...chosen.map((file, i) => {
      const item = document.createElement("li");
      if (file.type.startsWith("image/")) {
        const image = document.createElement("img");
        image.src = URL.createObjectURL(file);
        image.alt = "";
        item.append(image);
      }
      const name = document.createElement("bdi");
      name.className = "clip";
      name.textContent = file.name;
      const size = document.createElement("span");
      size.className = "muted";
      size.textContent = file.size < 1048576 ? Math.ceil(file.size / 1024) + " KiB" : (file.size / 1048576).toFixed(1) + " MiB";
      const remove = document.createElement("button");
      remove.type = "button";
      remove.className = "ghost icon small";
      remove.textContent = "×";
      remove.setAttribute("aria-label", picked.dataset.remove.replace("%s", file.name));
      remove.addEventListener("click", () => {
        chosen.splice(i, 1);
        showChosen();
        $("reply-attach").focus();
      });
      item.append(name, size, remove);
      return item;
    }));
    picked.hidden = !chosen.length;
  }

  lines.addEventListener("click", (event) => {
    const button = event.target.closest("[data-answer]");
    if (!button) return;
    answering = button.dataset.answer;
    $("answering-text").textContent = button.closest(".line").dataset.said;
    $("answering").hidden = false;
    text.focus();
  });
  function answerNone() {
    answering = "";
    $("answering").hidden = true;
  }
  $("answering-end").addEventListener("click", () => {
    answerNone();
    text.focus();
  });

  function fault(message, code) {
    $("reply-fault").hidden = !message;
    $("reply-message").textContent = message || "";
    $("reply-code").textContent = code || "";
    $("reply-code").hidden = !code;
    if (message && code && code !== "unconfirmed") text.setAttribute("aria-invalid", "true");
    else text.removeAttribute("aria-invalid");
  }
  function busy(word) {
    sending = word ? sending : null;
    $("reply-state").textContent = word;
    if (word) $("reply-send").setAttribute("aria-busy", "true");
    else $("reply-send").removeAttribute("aria-busy");
    if (!word) progress.hidden = true;
  }
  // The same message sent again after the line was cut keeps its key, so that it goes out once.
  function keyFor(body) {
    const same = body + "\n" + chosen.map((file) => [file.name, file.size, file.lastModified].join(" ")).join("\n");
    if (attempt.body && attempt.body !== same) attempt.key = "";
    if (!attempt.key) attempt.key = Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
    attempt.body = same;
    return "dashboard-" + attempt.key;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (sending || (!text.value.trim() && !chosen.length)) {
      text.focus();
      return;
    }
    const message = { channelId: form.dataset.channel, to: form.dataset.to };
    if (text.value.trim()) message.text = text.value;
    if (answering) message.replyTo = answering;
    const payload = JSON.stringify(message);
    const data = new FormData();
    data.append("payload", payload);
    chosen.forEach((file) => data.append("media_file", file, file.name));
    const request = new XMLHttpRequest();
    request.open("POST", "/app/api/v1/messages");
    request.setRequestHeader("X-Csrf-Token", window.switchhook.csrf());
    request.setRequestHeader("Idempotency-Key", keyFor(payload));
    request.upload.addEventListener("progress", (step) => {
      if (!chosen.length || !step.lengthComputable) return;
      progress.hidden = false;
      progress.value = Math.round(100 * step.loaded / step.total);
    });
    request.upload.addEventListener("load", () => { if (sending) $("reply-state").textContent = form.dataset.wordSending; });
    request.addEventListener("load", () => answered(request));
    request.addEventListener("error", () => {
      busy("");
      fault(form.dataset.wordLost, "");
    });
    sending = request;
    fault("", "");
    busy(chosen.length ? form.dataset.wordUploading : form.dataset.wordSending);
    request.send(data);
  });

  function answered(request) {
    let answer = {};
    try {
      answer = JSON.parse(request.responseText);
    } catch {
      answer = { message: form.dataset.wordLost };
    }
    busy("");
    attempt = { key: "", body: "" };
    // An unconfirmed message stands among the lines and may have gone out: it is not to be sent again by a second click.
    if (request.status < 300 || answer.code === "unconfirmed") {
      text.value = "";
      chosen = [];
      showChosen();
      answerNone();
    }
    if (request.status < 300) $("reply-state").textContent = form.dataset.wordSent;
    else fault(answer.message, answer.code);
    scroller.scrollTop = 0;
    refresh();
    text.focus();
  }
});
