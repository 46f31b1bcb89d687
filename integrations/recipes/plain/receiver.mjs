// Takes events and answers messages. Needs Node 18 or newer and nothing else.
//   SWITCHHOOK_SECRET=whsec_… PORT=3000 node receiver.mjs
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const secret = process.env.SWITCHHOOK_SECRET;
const seen = new Set();

createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const raw = Buffer.concat(parts);
  const expected = Buffer.from(`sha256=${createHmac('sha256', secret).update(raw).digest('hex')}`);
  const given = Buffer.from(request.headers['x-switchhook-signature'] ?? '');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return response.writeHead(401).end('The signature does not fit.');

  const event = JSON.parse(raw);
  const again = seen.has(event.id); // an event may come twice; keep the ids where they outlive this program
  seen.add(event.id);
  response.setHeader('Content-Type', 'application/json');
  if (again || event.event !== 'message.received') return response.end('{}');
  console.log(`${event.data.pushName ?? event.data.from}: ${event.data.text}`);
  response.end(JSON.stringify({ reply: `You wrote: ${event.data.text}` }));
}).listen(process.env.PORT ?? 3000, () => console.log('ready'));
