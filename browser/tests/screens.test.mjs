// Every screen, with much and with hostile data, in both themes and two widths: nothing that axe-core finds, nothing that a browser complains of,
// nothing wider than the window. The pictures are left in .bin/screens for people to look at.
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startBrowser, faults, watch } from "../lib/browser.mjs";
import { caller, root, startReceiver, startServer, until } from "../lib/server.mjs";

const hostile = "<script>alert(1)</script><img src=x onerror=alert(1)> \u202Egpj.exe\u0007 " + "W".repeat(3000);
const pictures = join(root, ".bin", "screens");
let server, receiver, browser, state;
const paths = [];

before(async () => {
  await mkdir(pictures, { recursive: true });
  receiver = await startReceiver();
  server = await startServer();
  browser = await startBrowser();
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(server.url);
  await page.getByLabel("Organization").fill("Acme <b>Automations</b>");
  await page.getByLabel("E-mail address").fill("owner@example.com");
  await page.getByLabel("Password").fill("correct horse battery staple");
  await page.getByRole("button", { name: "Create the account" }).click();
  await page.getByRole("heading", { name: "Home" }).waitFor();
  state = await context.storageState();
  await context.close();
  await seed();
});

after(async () => {
  await browser?.close();
  await server?.stop();
  await receiver?.stop();
});

/** Fills the account, and notes the pages that show it. */
async function seed() {
  const { token } = await caller(server.url, {})("POST", "/v1/auth/login", { email: "owner@example.com", password: "correct horse battery staple" });
  const user = caller(server.url, { Authorization: `Bearer ${token}` });
  const { key } = await user("POST", "/v1/keys", { name: "n8n <i>main</i>" });
  const call = caller(server.url, { "X-Api-Key": key });
  const box = await call("POST", "/v1/channels", { connector: "sandbox", name: "Try-out", config: { number: "+15550000001" } });
  const good = await call("POST", "/v1/webhooks", { url: receiver.url, events: ["message.received", "message.status"], description: "n8n" });
  const bad = await call("POST", "/v1/webhooks", { url: "http://127.0.0.1:9/closed?x=<b>", events: ["message.received"], description: hostile.slice(0, 200) });
  for (let i = 0; i < 30; i += 1) {
    await call("POST", `/v1/channels/${box.id}/simulate`, { from: `+1555123${String(1000 + (i % 7))}`, name: i % 7 ? `Person ${i % 7}` : "<b>Eve</b> \u202Eeve", text: i === 3 ? hostile : `Message ${i}: when do you open?` });
  }
  const sent = await call("POST", "/v1/messages", { channelId: box.id, to: "+15551231001", text: "We open at nine." });
  const contact = await call("POST", "/v1/contacts", { name: "Zoë <script>", phone_number: "5559876543", phone_number_cc: "1", extra_fields: { note: hostile.slice(0, 500) } }).catch(() => undefined);
  const queue = await call("POST", "/v1/queues", { name: "Weekdays", timeZone: "Europe/Berlin", channelIds: [box.id], slots: [1, 2, 3, 4, 5].map((weekday) => ({ weekday, time: "09:00" })) });
  const incoming = await call("POST", "/v1/incoming-webhooks", { name: "From the CMS", queueId: queue.id });
  const post = await call("POST", "/v1/posts", { title: "News", body: "Hello <b>world</b>", channelIds: [box.id] });
  await call("POST", "/v1/posts", { body: "Tomorrow's news", queueId: queue.id });
  await call("POST", "/v1/posts", { body: "Later", channelIds: [box.id], publishAt: new Date(Date.now() + 86_400_000).toISOString() });
  const delivery = await until("a failed attempt", async () => {
    const { data } = await call("GET", `/v1/deliveries?webhookId=${bad.id}&limit=1`);
    return data[0]?.attempts > 0 && data[0];
  });
  await until("deliveries", async () => (await call("GET", `/v1/deliveries?webhookId=${good.id}&status=delivered&limit=30`)).data.length >= 29);
  const { data: [event] } = await call("GET", "/v1/events?limit=1");
  await fetch(`${server.url}/callbacks/sandbox/${box.id}?hub.verify_token=secret`, { method: "POST", body: hostile }).catch(() => {});
  paths.push(
    ["home", "/app"], ["channels", "/app/channels"], ["channels-new", "/app/channels/new"], ["channel", `/app/channels/${box.id}`],
    ["messages", "/app/messages"], ["conversation", `/app/messages/${box.id}/15551231001`], ["conversation-hostile", `/app/messages/${box.id}/15551231003`],
    ["contacts", "/app/contacts"], ["posts", "/app/posts"], ["posts-new", "/app/posts/new"], ["post", `/app/posts/${post.id}`],
    ["queues", "/app/queues"], ["queue", `/app/queues/${queue.id}`], ["incoming", "/app/incoming"], ["incoming-one", `/app/incoming/${incoming.id}`],
    ["webhooks", "/app/webhooks"], ["webhooks-new", "/app/webhooks/new"], ["webhook", `/app/webhooks/${good.id}`], ["webhook-bad", `/app/webhooks/${bad.id}`],
    ["deliveries", "/app/deliveries"], ["deliveries-none", "/app/deliveries?status=held"], ["delivery", `/app/deliveries/${delivery.id}`],
    ["events", "/app/events"], ["event", `/app/events/${event.id}`], ["callbacks", "/app/callbacks"],
    ["keys", "/app/keys"], ["settings", "/app/settings"], ["members", "/app/settings/members"], ["system", "/app/settings/system"], ["missing", "/app/nowhere"],
  );
  if (contact) paths.push(["contact", `/app/contacts/${contact.id}`]);
  assert.ok(sent.id);
}

for (const width of [1280, 390]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`every screen at ${width} px, ${colorScheme}`, async () => {
      const context = await browser.newContext({ viewport: { width, height: width > 1000 ? 900 : 844 }, colorScheme, storageState: state, reducedMotion: "reduce" });
      const page = await context.newPage();
      const complaints = watch(page);
      const found = [];
      for (const [name, path] of paths) {
        const answer = await page.goto(server.url + path, { waitUntil: "load" });
        assert.equal(answer.status(), name === "missing" ? 404 : 200, path);
        await page.screenshot({ path: join(pictures, `${name}-${width}-${colorScheme}.png`), fullPage: true });
        found.push(...(await faults(page)).map((fault) => `${path}: ${fault}`));
        assert.equal(await page.locator("h1").count(), 1, `${path}: one h1`);
      }
      for (const path of ["/app/login", "/app/welcome"]) {
        const visitor = await browser.newContext({ viewport: { width, height: 844 }, colorScheme, reducedMotion: "reduce" });
        const gate = await visitor.newPage();
        watch(gate, complaints);
        await gate.goto(server.url + path);
        await gate.screenshot({ path: join(pictures, `${path.split("/").pop()}-${width}-${colorScheme}.png`), fullPage: true });
        found.push(...(await faults(gate)).map((fault) => `${path}: ${fault}`));
        await visitor.close();
      }
      await context.close();
      assert.deepEqual(found, []);
      assert.deepEqual(complaints.filter((line) => !line.includes("/app/nowhere")), []);
    });
  }
}
