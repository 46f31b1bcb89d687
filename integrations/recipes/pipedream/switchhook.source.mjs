// A source for Pipedream: it subscribes when it is deployed, takes only what Switchhook has signed, and unsubscribes when it is deleted.
import crypto from 'node:crypto';

const tolerance = 300; // seconds between the clocks, as the Standard Webhooks recommend

export default {
  key: 'switchhook-new-event',
  name: 'New Event in Switchhook (Instant)',
  description: 'Emits what happens on your channels: received messages, statuses, posts that went out.',
  version: '0.1.0',
  type: 'source',
  dedupe: 'unique',
  props: {
    http: { type: '$.interface.http', customResponse: true },
    db: '$.service.db',
    baseUrl: { type: 'string', label: 'Base URL', description: 'The public https address of your Switchhook server, such as https://hooks.example.com' },
    apiKey: { type: 'string', label: 'API Key', description: 'It begins with sk_live_', secret: true },
    events: { type: 'string[]', label: 'Events', default: ['message.received'], description: 'GET /v1/event-types lists them all' },
    channelIds: {
      type: 'string[]',
      label: 'Channels',
      description: 'None means all',
      optional: true,
      async options() {
        const { data } = await this.ask('GET', '/v1/channels?limit=100');
        return data.map(({ id, name, address }) => ({ label: name || address || id, value: id }));
      },
    },
  },
  methods: {
    async ask(method, path, body) {
      const answer = await fetch(this.baseUrl.trim().replace(/\/+$/, '') + path, {
        method,
        redirect: 'manual',
        headers: { 'X-Api-Key': this.apiKey, ...(body && { 'Content-Type': 'application/json' }) },
        body: body && JSON.stringify(body),
      });
      if (answer.status === 204 || (method === 'DELETE' && answer.status === 404)) return undefined;
      const said = await answer.json().catch(() => {
        throw new Error(`There is something else than Switchhook at ${this.baseUrl}: enter the address of your server, with nothing behind the port.`);
      });
      if (!answer.ok) throw new Error(said.message ?? `Switchhook answers ${answer.status}.`);
      return said;
    },
    signed({ headers, bodyRaw }) {
      const at = headers['webhook-timestamp'];
      const key = Buffer.from(this.db.get('secret').replace(/^whsec_/, ''), 'base64');
      const right = Buffer.from(`v1,${crypto.createHmac('sha256', key).update(`${headers['webhook-id']}.${at}.${bodyRaw}`).digest('base64')}`);
      const fits = (headers['webhook-signature'] ?? '').split(' ').some((one) => {
        const given = Buffer.from(one);
        return given.length === right.length && crypto.timingSafeEqual(given, right);
      });
      return fits && Math.abs(Date.now() / 1000 - at) <= tolerance;
    },
  },
  hooks: {
    async deploy() {
      const { data } = await this.ask('GET', `/v1/events?limit=3&event=${encodeURIComponent(this.events[0])}`);
      for (const event of data.reverse()) this.$emit(event, meta(event));
    },
    async activate() {
      const webhook = await this.ask('POST', '/v1/webhooks', {
        url: this.http.endpoint,
        events: this.events,
        channelIds: this.channelIds ?? [],
        description: 'Pipedream',
      });
      this.db.set('webhook', webhook.id);
      this.db.set('secret', webhook.secret);
    },
    async deactivate() {
      const id = this.db.get('webhook');
      if (id) await this.ask('DELETE', `/v1/webhooks/${id}`);
    },
  },
  async run(request) {
    if (!this.db.get('secret') || !this.signed(request)) {
      this.http.respond({ status: 401, body: { message: 'The signature does not fit. Deploy the source again if its secret was rotated.' } });
      return;
    }
    this.http.respond({ status: 200, body: { received: true } });
    this.$emit(request.body, meta(request.body));
  },
};

function meta({ id, event, data, timestamp }) {
  return { id, ts: Date.parse(timestamp), summary: [event, data.pushName ?? data.from, data.text].filter(Boolean).join(': ').slice(0, 200) };
}
