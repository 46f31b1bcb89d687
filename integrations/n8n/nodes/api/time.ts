import type { INode } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';

/**
 * A point in time as the server wants it. n8n's date field gives a time of the clock without a zone, which is meant in the time zone
 * of the workflow; expressions give dates, Luxon objects or texts with a zone.
 */
export function instant(given: unknown, zone: string, node: INode, itemIndex: number): string | undefined {
	if (given === '' || given === undefined || given === null) return undefined;
	const at = given instanceof Date ? given : new Date(millis(given, zone));
	if (Number.isNaN(at.getTime())) {
		throw new NodeOperationError(node, 'Publish At is not a date', {
			description: `Give a date and a time, such as 2026-06-29T14:30:00 or {{ $now.plus(1, "hour") }}. It was: ${String(given)}`,
			itemIndex,
		});
	}
	return at.toISOString();
}

function millis(given: unknown, zone: string): number {
	if (typeof given === 'number') return given;
	const luxon = given as { toMillis?: () => number };
	if (typeof luxon.toMillis === 'function') return luxon.toMillis();
	const text = String(given).trim();
	if (/(Z|[+-]\d\d:?\d\d)$/i.test(text) && text.includes(':')) return Date.parse(text);
	const wall = Date.parse(`${/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00` : text.replace(' ', 'T')}Z`);
	if (Number.isNaN(wall)) return wall;
	const first = wall - offset(wall, zone);
	return wall - offset(first, zone); // once more, for times beside a change of the clocks
}

/** Milliseconds by which the clocks of a zone are ahead of UTC. */
function offset(at: number, zone: string): number {
	const parts = new Intl.DateTimeFormat('en-US', {
		timeZone: zone,
		hourCycle: 'h23',
		year: 'numeric',
		month: 'numeric',
		day: 'numeric',
		hour: 'numeric',
		minute: 'numeric',
		second: 'numeric',
	}).formatToParts(new Date(at));
	const of = (type: string): number => Number(parts.find((part) => part.type === type)?.value);
	return Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second')) - Math.floor(at / 1000) * 1000;
}
