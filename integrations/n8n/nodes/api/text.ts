/** A list in a text with commas or lines, or in an array of an expression. */
export function several(given: unknown): string[] {
	const parts = Array.isArray(given) ? given.map(String) : String(given ?? '').split(/[,\n]/);
	return parts.map((part) => part.trim()).filter((part) => part !== '');
}
