// The functions of IML that the app may use, as Make describes them.
const empty = (value) => value === undefined || value === null || value === '';

export const functions = {
  // if gives its second value where the first is true, else its third.
  if: (condition, then, otherwise) => (condition ? then : otherwise),
  // ifempty gives its second value where the first is undefined, null or an empty text.
  ifempty: (value, otherwise) => (empty(value) ? otherwise : value),
  // join makes one text of a list.
  join: (list, separator) => (list ?? []).join(separator),
  // length counts the characters of a text or the values of a list.
  length: (value) => value?.length ?? 0,
  // map takes one property of each collection in a list.
  map: (list, key) => (list ?? []).map((one) => one?.[key]),
  // substring is a text from one place to another, the first being 0.
  substring: (value, start, end) => String(value ?? '').substring(start, end),
  // toCollection makes one collection of a list of pairs.
  toCollection: (list, key, value) => (list ? Object.fromEntries(list.map((one) => [one[key], one[value]])) : undefined),
  // trim takes away the spaces around a text.
  trim: (value) => String(value ?? '').trim(),
};
