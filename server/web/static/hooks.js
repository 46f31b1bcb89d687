// What the pages of webhooks, deliveries, events and callbacks need beyond app.js: times of forms in the reader's zone, and what was opened stays open.
"use strict";
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

  // A form whose times were meant in a zone keeps it: the address may come from somebody else.
  function zones() {
    document.querySelectorAll("[data-zone-form]").forEach((form) => {
      const field = form.querySelector("[data-zone]");
      if (!field || !zone) return;
      if (!field.value) field.value = zone;
      const name = form.querySelector("[data-zone-name]");
      if (name) name.textContent = field.value;
    });
  }

  // What is empty does not stand in the address.
  document.addEventListener("formdata", (event) => {
    if (event.target.method !== "get") return;
    const data = event.formData;
    for (const [name, value] of Array.from(data)) if (!value) data.delete(name);
    if (!data.has("since") && !data.has("until")) data.delete("zone");
  });

  const open = new Map();
  document.addEventListener("htmx:beforeSwap", (event) => {
    const part = event.detail.target;
    if (part.dataset.keepOpen === undefined) return;
    open.set(part.id, new Map(Array.from(part.querySelectorAll("details[id]"), (each) => [each.id, each.open])));
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const before = open.get(event.detail.target.id);
    if (!before) return;
    event.detail.target.querySelectorAll("details[id]").forEach((each) => {
      if (before.has(each.id)) each.open = before.get(each.id);
    });
  });

  document.addEventListener("DOMContentLoaded", zones);
})();
