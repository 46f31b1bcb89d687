// The whole story, as somebody lives it who has never read the documentation: the first account, a phone linked by its QR code, a webhook, a test
// event, a message that arrives live, a delivery that fails, its reason, its replay, and a post by an incoming webhook with a queue. On a desktop in
// light and on a phone in dark; the browser must have nothing to complain of.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { startBrowser, watch } from "../lib/browser.mjs";
import { patience, startReceiver, startServer, startWhatsApp, until } from "../lib/server.mjs";

let whatsapp, server, receiver, browser;

before(async () => {
  whatsapp = await startWhatsApp();
  receiver = await startReceiver();
  server = await startServer({ ...whatsapp.env, WEBHOOK_SCHEDULE: "1s,1h" });
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await server?.stop();
  await receiver?.stop();
  await whatsapp?.stop();
});

const email = "owner@example.com";
const password = "correct horse battery staple";

/** A page for a person: the story uses what such a person sees, roles and words. */
async function person(options) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  return { context, page, complaints: watch(page) };
}

/** Opens a page of the menu, which on a phone is behind a button. */
async function go(page, name) {
  const menu = page.getByRole("button", { name: "Menu" });
  if (await menu.isVisible()) await menu.click();
  await page.getByRole("navigation", { name: "Menu" }).getByRole("link", { name, exact: true }).click();
  await page.getByRole("heading", { level: 1 }).waitFor();
}

test("from the first account to a published post", async (t) => {
  const { context, page, complaints } = await person({ viewport: { width: 1280, height: 900 }, colorScheme: "light" });

  await t.test("the first account", async () => {
    await page.goto(server.url);
    await page.getByLabel("Organization").fill("Acme");
    await page.getByLabel("E-mail address").fill(email);
    await page.getByLabel("Password").fill("short");
    await page.getByRole("button", { name: "Create the account" }).click();
    await page.getByText("Some fields need another look").waitFor();
    assert.equal(await page.getByLabel("E-mail address").inputValue(), email, "what was typed stays");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Create the account" }).click();
    await page.getByRole("heading", { name: "First steps" }).waitFor();
  });

  await t.test("a phone is linked by its QR code", async () => {
    await whatsapp.tell("/users", { pn: "15559876543", name: "Acme Support" });
    await whatsapp.tell("/users", { pn: "15551234567", name: "Jane" });
    await page.getByRole("link", { name: "Connect a channel" }).click();
    await page.getByRole("link", { name: /WhatsApp \(linked device\)/ }).click();
    await page.getByLabel("Name").fill("Support");
    await page.getByRole("button", { name: "Show the QR code" }).click();
    await page.getByRole("img", { name: /QR code/ }).waitFor();
    await page.getByText(/seconds left/).waitFor();
    const id = new URL(page.url()).pathname.split("/")[3];
    const { qr } = await page.evaluate((path) => fetch(path, { headers: { Accept: "application/json" } }).then((answer) => answer.json()), `/app/api/v1/sessions/${id}/qr`);
    await whatsapp.tell("/scan", { pn: "15559876543", qr });
    await page.getByRole("heading", { name: "The phone is linked" }).waitFor(); // by itself
    await page.getByText("15559876543").first().waitFor();
  });

  await t.test("a webhook, and its test event", async () => {
    await page.getByRole("link", { name: "Add a webhook" }).click();
    await page.getByLabel("Address").fill("not an address");
    await page.getByRole("button", { name: "Create the webhook" }).click();
    await page.locator('[aria-invalid="true"]').first().waitFor();
    await page.getByLabel("Address").fill(receiver.url);
    await page.getByRole("button", { name: "Create the webhook" }).click();
    await page.getByText(/whsec_/).first().waitFor();
    await page.getByRole("link", { name: /Continue/ }).click();
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.getByText("The receiver took it.").waitFor();
    assert.equal(receiver.got.length, 1);
  });

  await t.test("a message arrives live, and is answered", async () => {
    await go(page, "Deliveries");
    await whatsapp.tell("/messages", { from: "15551234567", to: "15559876543", text: "Hello, are you open?" });
    await page.getByRole("table").getByText("Delivered").first().waitFor(); // without a reload
    assert.match(receiver.got[1].body, /Hello, are you open\?/);
    assert.ok(receiver.got[1].headers["webhook-signature"]);
    await go(page, "Messages");
    await page.getByRole("link", { name: /Jane/ }).first().click();
    await page.getByText("Hello, are you open?").last().waitFor();
    await page.getByRole("textbox", { name: "Write a message" }).fill("Yes, until eight.");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await until("the answer at the phone", async () => JSON.stringify(await whatsapp.tell("/received?pn=15551234567")).includes("Yes, until eight."));
    await whatsapp.tell("/messages", { from: "15551234567", to: "15559876543", text: "Great, see you" });
    await page.getByText("Great, see you").last().waitFor(); // without a reload
  });

  await t.test("a delivery fails, says why, and is replayed", async () => {
    receiver.status = 500;
    receiver.body = "<b>out of coffee</b>";
    await whatsapp.tell("/messages", { from: "15551234567", to: "15559876543", text: "One more thing" });
    await go(page, "Deliveries");
    await page.getByRole("table").getByText("Pending").first().waitFor();
    await page.getByRole("table").getByRole("link", { name: /Message received/ }).first().click();
    await page.getByText("<b>out of coffee</b>").first().waitFor(); // as text
    await page.getByText("The receiver has a fault of its own").first().waitFor();
    receiver.status = 200;
    const before = receiver.got.length;
    await page.getByRole("button", { name: "Replay now" }).click();
    await page.getByText("Delivered").first().waitFor();
    assert.ok(receiver.got.length > before);
    assert.match(receiver.got.at(-1).body, /One more thing/);
  });

  await t.test("a post by an incoming webhook with a queue", async () => {
    await go(page, "Channels");
    await page.getByRole("link", { name: "Connect a channel" }).first().click();
    await page.getByRole("link", { name: /Sandbox/ }).click();
    await page.getByLabel("Name").fill("Blog");
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await page.getByRole("heading", { name: /Blog/ }).waitFor();
    await postStory(page);
  });

  await t.test("nothing was complained of, and logging out ends it", async () => {
    assert.deepEqual(complaints.filter((line) => !line.includes("status of 422")), []); // forms that were refused on purpose
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByRole("heading", { name: "Log in" }).waitFor();
    await page.goto(`${server.url}/app/messages`);
    await page.getByRole("heading", { name: "Log in" }).waitFor();
    await context.close();
  });
});

/** Makes a queue with a slot in a minute and an incoming webhook on it, posts by its curl line, and watches the post wait and go out. */
async function postStory(page) {
  await go(page, "Queues");
  await page.getByRole("link", { name: "New queue" }).first().click();
  await page.getByLabel("Name").fill("Soon");
  await page.getByLabel("Time zone").fill("UTC");
  const slot = new Date(Date.now() + 100_000); // a slot is a minute, and this one is at least 40 seconds away
  const time = slot.toISOString().slice(11, 16);
  await page.getByLabel("Another time").fill(time);
  await page.getByRole("button", { name: "Add the row" }).click();
  await page.getByLabel(`${slot.toLocaleDateString("en", { weekday: "long", timeZone: "UTC" })} ${time}`).check();
  await page.getByLabel(/Blog/).check();
  await page.getByRole("button", { name: "Create the queue" }).click();
  await page.getByRole("heading", { level: 1, name: "Soon" }).waitFor();

  await go(page, "Incoming webhooks");
  await page.getByRole("link", { name: "New incoming webhook" }).first().click();
  await page.getByLabel("Name").fill("From the CMS");
  await page.getByLabel("Queue").selectOption({ label: "Soon" });
  await page.getByRole("button", { name: "Create it" }).click();
  await page.getByRole("heading", { level: 1, name: "From the CMS" }).waitFor();
  const line = await page.getByRole("button", { name: "Copy A post, with curl" }).getAttribute("data-copy");
  execFileSync("bash", ["-c", line.replace(/^curl /, "curl -sSf ")]); // as it stands there
  await page.getByText("Queued").first().waitFor(); // without a reload
  await page.getByText("Published", { exact: true }).first().waitFor({ timeout: 3 * patience });
  await go(page, "Posts");
  await page.getByRole("link", { name: "List" }).click();
  await page.getByRole("table").getByText("Published", { exact: true }).first().waitFor();
}

test("on a phone in the dark", async () => {
  const { context, page, complaints } = await person({ viewport: { width: 390, height: 844 }, colorScheme: "dark", hasTouch: true, isMobile: true });
  await page.goto(`${server.url}/app/deliveries`);
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { name: "Deliveries", exact: true }).waitFor(); // back where the way led
  await page.getByRole("link", { name: /Message received/ }).first().click();
  await page.getByRole("heading", { name: "Attempts" }).waitFor();
  for (const name of ["Home", "Channels", "Messages", "Webhooks", "Settings"]) await go(page, name);
  assert.deepEqual(complaints, []);
  await context.close();
});

test("the keyboard is enough", async () => {
  const { context, page } = await person({ viewport: { width: 1280, height: 900 } });
  await page.goto(`${server.url}/app/login`);
  await page.getByLabel("E-mail address").focus();
  await page.keyboard.type(email);
  await page.keyboard.press("Tab");
  await page.keyboard.type(password);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Home" }).waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter"); // the link to the content
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  await page.goto(`${server.url}/app/keys`);
  await page.getByLabel("Name").focus();
  await page.keyboard.type("by keyboard");
  await page.keyboard.press("Enter");
  await page.getByText(/sk_live_[0-9a-f]{64}/).first().waitFor();
  await page.goto(`${server.url}/app/keys`);
  const revoke = page.getByRole("button", { name: "Revoke" }).first();
  await revoke.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement.textContent.trim()), "Revoke", "the focus goes back");
  await revoke.press("Enter");
  await page.getByRole("dialog").getByRole("button", { name: "Yes, do it" }).press("Enter");
  await page.getByText("The key is revoked.").waitFor();
  await context.close();
});

test("a page hears again after the server was away", async () => {
  const { context, page } = await person({ viewport: { width: 1280, height: 900 } });
  await page.goto(`${server.url}/app/login`);
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
  await go(page, "Deliveries");
  await page.getByText("Live", { exact: true }).waitFor();
  const rows = await page.getByRole("table").getByRole("row").count();
  await server.restart();
  await until("the phone's device online again", async () => {
    const answer = await page.evaluate(() => fetch("/app/api/v1/sessions").then((a) => a.json()).catch(() => undefined));
    return answer?.data?.[0]?.status === "CONNECTED";
  });
  await whatsapp.tell("/messages", { from: "15551234567", to: "15559876543", text: "After the restart" });
  await until("the new row", async () => (await page.getByRole("table").getByRole("row").count()) > rows);
  await context.close();
});
