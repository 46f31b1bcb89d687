// What pages need beyond htmx: live signals, notices, copy buttons, times in the reader's zone, the theme, the menu, questions before acts.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const csrf = () => $('meta[name="csrf"]').content;

  // --- forms and htmx -------------------------------------------------------------------------------------------------------------------------
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-Csrf-Token"] = csrf();
  });
  document.addEventListener("htmx:sendError", () => notice("danger", document.body.dataset.offline || "The server cannot be reached."));

  // A form that is on its way is not sent again by a second click.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method === "dialog") return;
    if (form.dataset.confirm && !form.dataset.confirmed) {
      event.preventDefault();
      event.stopImmediatePropagation();
      ask(form.dataset.confirm, form.dataset.confirmWord).then((yes) => {
        if (!yes) return;
        form.dataset.confirmed = "yes";
        form.requestSubmit(event.submitter);
        delete form.dataset.confirmed;
      });
      return;
    }
    if (form.hasAttribute("hx-post") || form.hasAttribute("hx-get") || form.dataset.keep !== undefined) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    if (form.method === "post") {
      form.dataset.sent = "yes";
      all('button[type="submit"]', form).forEach((button) => button.setAttribute("aria-busy", "true"));
    }
  }, true);
  window.addEventListener("pageshow", () => all("form[data-sent]").forEach((form) => {
    delete form.dataset.sent;
    all("[aria-busy]", form).forEach((button) => button.removeAttribute("aria-busy"));
  }));

  // ask shows the question in a dialog and tells whether the answer was yes. The focus goes back to where it was.
  function ask(question, word) {
    const dialog = $("#confirm");
    const yes = $("[data-confirm-yes]", dialog);
    const before = document.activeElement;
    $("#confirm-text").textContent = question;
    yes.textContent = word || yes.dataset.word;
    dialog.returnValue = "no";
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => {
        if (before) before.focus();
        resolve(dialog.returnValue === "yes");
      }, { once: true });
    });
  }
  document.addEventListener("htmx:confirm", (event) => {
    if (!event.detail.question) return;
    event.preventDefault();
    ask(event.detail.question).then((yes) => yes && event.detail.issueRequest(true));
  });

  // --- notices --------------------------------------------------------------------------------------------------------------------------------
  function notice(kind, text) {
    const line = document.createElement("div");
    line.className = "notice";
    line.dataset.variant = kind;
    const words = document.createElement("span");
    words.textContent = text;
    const close = document.createElement("button");
    close.type = "button";
    close.className = "ghost icon small";
    close.setAttribute("aria-label", $("#notices").dataset.close);
    close.textContent = "×";
    close.addEventListener("click", () => line.remove());
    line.append(words, close);
    $("#notices").append(line);
    if (kind !== "danger") setTimeout(() => line.remove(), 8000);
  }
  document.addEventListener("notice", (event) => notice(event.detail.kind, event.detail.text));

  // --- times ----------------------------------------------------------------------------------------------------------------------------------
  const short = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  const shortSeconds = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
  function times(root) {
    all("time[datetime]:not([data-local])", root).forEach((element) => {
      const at = new Date(element.dateTime);
      if (Number.isNaN(at.getTime())) return;
      element.dataset.local = "yes";
      element.textContent = (element.closest("[data-seconds]") ? shortSeconds : short).format(at);
      element.title = full.format(at) + " · " + element.dateTime;
    });
    countdowns(root);
  }

  // clock writes seconds as 0:42, 12:05 or 3:07:00.
  function clock(seconds) {
    const two = (n) => String(n).padStart(2, "0");
    const minutes = Math.floor(seconds / 60);
    return minutes < 60 ? `${minutes}:${two(seconds % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
  }

  // data-countdown holds when something ends; data-countdown-text says so with %s for the seconds, data-countdown-over what is said after;
  // with data-countdown-clock the seconds are written as a clock has them.
  function countdowns(root) {
    all("[data-countdown]", root).forEach((element) => {
      if (element.dataset.counting) return;
      element.dataset.counting = "yes";
      const tick = () => {
        if (!element.isConnected) return;
        const left = Math.ceil((Date.parse(element.dataset.countdown) - Date.now()) / 1000);
        const shown = element.dataset.countdownClock !== undefined ? clock(left) : left;
        element.textContent = left > 0 ? element.dataset.countdownText.replace("%s", shown) : element.dataset.countdownOver || "";
        if (left > 0) setTimeout(tick, 1000);
      };
      tick();
    });
  }

  // --- buttons --------------------------------------------------------------------------------------------------------------------------------
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button, [data-menu]");
    if (!button) return;
    if (button.dataset.copy !== undefined) copy(button);
    if (button.dataset.unveil !== undefined) unveil(button);
    if (button.dataset.themeSwitch !== undefined) switchTheme();
    if (button.dataset.menu !== undefined) toggleMenu(button);
    if (button.dataset.livePause !== undefined) togglePause(button);
    if (button.dataset.open !== undefined) document.getElementById(button.dataset.open).showModal();
    if (button.dataset.shut !== undefined) button.closest("dialog").close();
  });

  // navigator.clipboard is there over https and on localhost only; elsewhere a selection is copied.
  function copy(button) {
    const text = button.dataset.copyFrom ? $(button.dataset.copyFrom).textContent : button.dataset.copy;
    const done = () => notice("success", button.dataset.done);
    if (navigator.clipboard) {
      navigator.clipboard.writeText(text).then(done, () => copyOld(text, done));
      return;
    }
    copyOld(text, done);
  }
  function copyOld(text, done) {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "hidden-text";
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    done();
  }
  function unveil(button) {
    const code = button.parentElement.querySelector("[data-veiled]");
    const shown = code.classList.toggle("shown");
    button.setAttribute("aria-pressed", String(shown));
  }
  function switchTheme() {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
  }
  function toggleMenu(button) {
    const open = document.body.classList.toggle("menu-open");
    button.setAttribute("aria-expanded", String(open));
    if (open) $("#menu a").focus();
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.body.classList.contains("menu-open")) {
      const button = $("[data-menu]");
      toggleMenu(button);
      button.focus();
    }
  });

  // --- live -----------------------------------------------------------------------------------------------------------------------------------
  // A signal says what changed: {topic, id, ref}. A part of a page says with data-listen what it shows: words "topic" or "topic:id", where id may also
  // be one of those in ref. It gets the event "live", at most every half second, and asks the server anew (hx-trigger="live"). After a gap the
  // server says "reload": then every part that listens asks.
  const pace = 500;
  const quiet = new Map(); // parts that were told a moment ago, and whether they have to be told again
  const held = new Set(); // parts that are to be told when the pause ends
  let paused = false;
  let source = null;
  let last = "";
  let failures = 0;

  function concerns(element, signal) {
    if (signal.topic === "reload") return true;
    return element.dataset.listen.split(" ").some((word) => {
      const [topic, id] = word.split(":", 2);
      return topic === signal.topic && (!id || !signal.id || id === signal.id || signal.ref.split(" ").includes(id));
    });
  }
  function tell(element) {
    if (paused) {
      held.add(element);
      return;
    }
    if (quiet.has(element)) {
      quiet.set(element, true);
      return;
    }
    element.dispatchEvent(new CustomEvent("live", { bubbles: false }));
    quiet.set(element, false);
    setTimeout(() => {
      const again = quiet.get(element);
      quiet.delete(element);
      const now = element.isConnected ? element : document.getElementById(element.id);
      if (again && now) tell(now);
    }, pace);
  }

  function connect() {
    if (!document.body.dataset.live) return;
    source = new EventSource(document.body.dataset.live + (last ? "?after=" + encodeURIComponent(last) : ""));
    source.onopen = () => { failures = 0; state(); };
    source.onmessage = (event) => {
      if (event.lastEventId) last = event.lastEventId;
      const signal = JSON.parse(event.data);
      all("[data-listen]").filter((element) => concerns(element, signal)).forEach(tell);
    };
    source.onerror = () => {
      state();
      if (source.readyState !== EventSource.CLOSED) return; // it comes back by itself
      source = null;
      failures += 1;
      setTimeout(connect, Math.min(30000, 1000 * 2 ** failures) * (0.5 + Math.random() / 2));
    };
  }
  function togglePause(button) {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    $("span", button).textContent = paused ? button.dataset.resume : button.dataset.pause;
    if (!paused) {
      const parts = Array.from(held);
      held.clear();
      parts.filter((element) => element.isConnected).forEach(tell);
    }
    state();
  }
  function state() {
    const shown = $("[data-live-state]");
    if (!shown) return;
    const on = source && source.readyState === EventSource.OPEN;
    const word = $("[data-live-word]", shown);
    const now = paused ? "Paused" : on ? "On" : "Off";
    shown.hidden = false;
    shown.dataset.liveState = now.toLowerCase();
    if (word.textContent !== word.dataset["word" + now]) word.textContent = word.dataset["word" + now];
  }

  // --- start ----------------------------------------------------------------------------------------------------------------------------------
  function start(root) {
    times(root);
    const focus = $("[data-focus]", root);
    if (focus) focus.focus();
  }
  document.addEventListener("DOMContentLoaded", () => {
    start(document);
    last = document.body.dataset.cursor || "";
    connect();
  });
  document.addEventListener("htmx:load", (event) => times(event.target.parentElement || document));
  window.switchhook = { csrf, notice, ask };
})();
