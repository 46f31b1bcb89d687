// The part of IML, Make's language of expressions, that the app uses. What is not here is refused, so that the app keeps to what the play has tried:
//   'text' "text" 1 1.5 true false null      a.b   a.`b c`   a[1] (the first)   f(x, y)
//   ! -   * / %   + -   < <= > >=   == !=   && ||   ( )
// and the functions of functions.mjs. Comparisons are strict, properties of nothing are undefined, and + joins texts.
import { functions } from './functions.mjs';

const TOKEN = /\s*(?:(\d+(?:\.\d+)?)|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`([^`]*)`|([A-Za-z_]\w*)|(&&|\|\||[<>=!]=|[-+*/%<>!()[\].,]))/y;
const LEVELS = [['||'], ['&&'], ['==', '!='], ['<', '<=', '>', '>='], ['+', '-'], ['*', '/', '%']];
const CONSTANTS = { true: true, false: false, null: null };

const tokens = (source) => {
  const found = [];
  TOKEN.lastIndex = 0;
  while (source.slice(TOKEN.lastIndex).trim()) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(source);
    if (!match) throw new SyntaxError(`${source}: not understood from “${source.slice(at).trim()}” on`);
    const [, number, single, double, quoted, name, sign] = match;
    const text = single ?? double;
    if (number !== undefined) found.push({ kind: 'value', value: Number(number) });
    else if (text !== undefined) found.push({ kind: 'value', value: text.replace(/\\(.)/g, '$1') });
    else if (quoted !== undefined) found.push({ kind: 'quoted', value: quoted });
    else if (name !== undefined) found.push({ kind: 'name', value: name });
    else found.push({ kind: 'sign', value: sign });
  }
  return found;
};

const plus = (left, right) => (typeof left === 'number' && typeof right === 'number' ? left + right : text(left) + text(right));
const OPERATORS = {
  '||': (a, b) => a || b,
  '&&': (a, b) => a && b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '+': plus,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
};

// text is how a value stands inside a text.
export const text = (value) => {
  if (value === undefined || value === null) return '';
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
};

// parse makes a tree of an expression: a function that gives its value from the variables. It reports what it uses to `seen`.
export const parse = (source, seen = { roots: new Set(), paths: new Set(), functions: new Set() }) => {
  const list = tokens(source);
  let at = 0;
  const is = (value) => list[at]?.kind === 'sign' && list[at].value === value;
  const take = (value) => is(value) && (at += 1) > 0;
  const expect = (value) => {
    if (!take(value)) throw new SyntaxError(`${source}: “${value}” is missing`);
  };

  const call = (name) => {
    if (!Object.hasOwn(functions, name)) throw new SyntaxError(`${source}: there is no function ${name} in the player`);
    seen.functions.add(name);
    const given = [];
    while (!take(')')) {
      if (given.length) expect(',');
      given.push(level(0));
    }
    return (scope) => functions[name](...given.map((one) => one(scope)));
  };

  const member = (of, path) => {
    let value = of;
    let named = path;
    for (;;) {
      const inner = value;
      if (take('.')) {
        const { kind, value: key } = list[at] ?? {};
        if (kind !== 'name' && kind !== 'quoted') throw new SyntaxError(`${source}: a name is missing after a dot`);
        at += 1;
        named = `${named}.${key}`;
        value = (scope) => inner(scope)?.[key];
      } else if (take('[')) {
        const index = level(0);
        expect(']');
        value = (scope) => inner(scope)?.[index(scope) - 1];
      } else {
        seen.paths.add(named);
        return value;
      }
    }
  };

  const primary = () => {
    const token = list[at];
    if (take('(')) {
      const inner = level(0);
      expect(')');
      return inner;
    }
    at += 1;
    if (token?.kind === 'value') return () => token.value;
    if (token?.kind !== 'name') throw new SyntaxError(`${source}: a value is missing`);
    if (Object.hasOwn(CONSTANTS, token.value)) return () => CONSTANTS[token.value];
    if (take('(')) return call(token.value);
    seen.roots.add(token.value);
    return member((scope) => {
      if (!Object.hasOwn(scope, token.value)) throw new ReferenceError(`${source}: there is no ${token.value} here`);
      return scope[token.value];
    }, token.value);
  };

  const unary = () => {
    if (take('!')) {
      const inner = unary();
      return (scope) => !inner(scope);
    }
    if (take('-')) {
      const inner = unary();
      return (scope) => -inner(scope);
    }
    return primary();
  };

  const level = (depth) => {
    if (depth === LEVELS.length) return unary();
    let left = level(depth + 1);
    while (list[at]?.kind === 'sign' && LEVELS[depth].includes(list[at].value)) {
      const operator = OPERATORS[list[at].value];
      at += 1;
      const [first, second] = [left, level(depth + 1)];
      left = (scope) => operator(first(scope), second(scope));
    }
    return left;
  };

  const tree = level(0);
  if (at < list.length) throw new SyntaxError(`${source}: not understood from “${list[at].value}” on`);
  return tree;
};

// pieces splits a text at its {{expressions}}: the odd ones are expressions.
export const pieces = (template) => template.split(/\{\{((?:'[^']*'|"[^"]*"|[^'"])*?)\}\}/);

// expressions are all expressions in the keys and values of a file.
export const expressions = (node) => {
  if (typeof node === 'string') return pieces(node).filter((_, index) => index % 2 === 1);
  if (Array.isArray(node)) return node.flatMap(expressions);
  if (node && typeof node === 'object')
    return Object.entries(node).flatMap(([key, value]) => [...expressions(key).filter((one) => one !== '...'), ...expressions(value)]);
  return [];
};

const string = (template, scope) => {
  const parts = pieces(template);
  if (parts.length === 3 && !parts[0] && !parts[2]) return parse(parts[1])(scope);
  return parts.map((part, index) => (index % 2 ? text(parse(part)(scope)) : part)).join('');
};

// evaluate fills in a value of a file. Keys without a value are left out, and the key {{...}} puts a collection's own keys in its place.
export const evaluate = (node, scope) => {
  if (typeof node === 'string') return string(node, scope);
  if (Array.isArray(node)) return node.map((one) => evaluate(one, scope)).filter((one) => one !== undefined);
  if (!node || typeof node !== 'object') return node;
  const filled = {};
  for (const [key, value] of Object.entries(node)) {
    const one = evaluate(value, scope);
    if (key === '{{...}}') Object.assign(filled, one);
    else if (one !== undefined) filled[key] = one;
  }
  return filled;
};
