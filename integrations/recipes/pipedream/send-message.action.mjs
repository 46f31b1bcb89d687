// An action for Pipedream: sends a message.
export default {
  key: 'switchhook-send-message',
  name: 'Send a Message with Switchhook',
  description: 'Sends a text on a channel and waits for the network.',
  version: '0.1.0',
  type: 'action',
  props: {
    baseUrl: { type: 'string', label: 'Base URL', description: 'The public https address of your Switchhook server' },
    apiKey: { type: 'string', label: 'API Key', description: 'It begins with sk_live_', secret: true },
    channelId: { type: 'string', label: 'Channel', description: 'Its id, such as the channelId of the event that is answered' },
    to: { type: 'string', label: 'To', description: 'A phone number in digits with its country code, or an address of the network' },
    text: { type: 'string', label: 'Text' },
    once: { type: 'string', label: 'Send Once For', description: 'The same value sends once, such as the id of the event', optional: true },
  },
  async run({ $ }) {
    const answer = await fetch(`${this.baseUrl.trim().replace(/\/+$/, '')}/v1/messages`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'X-Api-Key': this.apiKey, 'Content-Type': 'application/json', ...(this.once && { 'Idempotency-Key': `pipedream-${this.once}` }) },
      body: JSON.stringify({ channelId: this.channelId, to: this.to, text: this.text }),
    });
    const said = await answer.json().catch(() => {
      throw new Error(`There is something else than Switchhook at ${this.baseUrl}: enter the address of your server, with nothing behind the port.`);
    });
    if (!answer.ok) throw new Error(said.message ?? `Switchhook answers ${answer.status}.`);
    $.export('$summary', `${said.status}: ${said.id}`);
    return said;
  },
};
