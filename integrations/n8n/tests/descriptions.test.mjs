// The package as n8n reads it: names, files, fields, texts, codex, icons.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { built, fits } from './stub.mjs';

const here = new URL('../', import.meta.url);
const read = (path) => readFileSync(new URL(path, here), 'utf8');
const pack = JSON.parse(read('package.json'));
const { Switchhook } = built('nodes/Switchhook/Switchhook.node.js');
const { SwitchhookTrigger } = built('nodes/SwitchhookTrigger/SwitchhookTrigger.node.js');
const { SwitchhookApi } = built('credentials/SwitchhookApi.credentials.js');
const { actions } = built('nodes/Switchhook/actions/index.js');
const action = new Switchhook();
const trigger = new SwitchhookTrigger();

/** Every property, also those inside of collections. */
function* every(properties) {
	for (const property of properties) {
		yield property;
		for (const option of property.options ?? []) {
			if (option.values) yield* every(option.values);
			else if (option.type) yield* every([option]);
		}
	}
}

test('the package can be verified: nothing is needed at run time, nothing runs at install, all files are there', () => {
	assert.equal(pack.dependencies, undefined);
	assert.deepEqual(pack.peerDependencies, { 'n8n-workflow': '*' });
	assert.equal(pack.n8n.strict, true);
	assert.ok(pack.keywords.includes('n8n-community-node-package'));
	for (const name of Object.keys(pack.scripts)) assert.doesNotMatch(name, /^(pre|post)?install$|^prepare$/);
	for (const path of [...pack.n8n.nodes, ...pack.n8n.credentials]) assert.ok(existsSync(new URL(path, here)), path);
	assert.doesNotMatch(read('package-lock.json'), /"resolved":/);
});

test('a release is published from this repository with a provenance statement, after its tests', () => {
	const workflow = read('../../.github/workflows/n8n-publish.yml');
	assert.match(workflow, /\n {4}tags: \['n8n-v\[0-9\]\+\./);
	assert.match(workflow, /\n {6}id-token: write\n/);
	const commands = [...workflow.matchAll(/^ +run: (.+)$/gm)].map(([, command]) => command);
	assert.match(commands[0], /GITHUB_REF_NAME.*integrations\/n8n\/package\.json/);
	assert.deepEqual(commands.slice(1), ['integrations/test.sh n8n', 'npm run release']);
	assert.match(workflow, /\n {8}working-directory: integrations\/n8n\n/);
	assert.equal(pack.scripts.release, 'n8n-node release');
	assert.equal(pack.repository.directory, 'integrations/n8n');
});

test('the compiled code takes only what n8n allows', () => {
	for (const path of readdirSync(new URL('dist', here), { recursive: true }).filter((name) => name.endsWith('.js'))) {
		for (const [, name] of read(`dist/${path}`).matchAll(/require\("([^"]+)"\)/g)) {
			assert.match(name, /^(\.|n8n-workflow$|node:crypto$)/, `${path} takes ${name}`);
		}
		assert.doesNotMatch(read(`dist/${path}`), /\b(process\.|globalThis|setTimeout|__dirname|console\.)/, path);
	}
});

test('icons for light and dark are two drawings that are there', () => {
	for (const { icon } of [action.description, trigger.description]) {
		for (const file of [icon.light, icon.dark]) {
			assert.match(read(`dist/nodes/Switchhook/${file.replace('file:', '')}`), /^<svg /);
		}
		assert.notEqual(icon.light, icon.dark);
	}
	const { icon } = new SwitchhookApi();
	assert.match(read(`dist/credentials/${icon.light.replace('file:', '')}`), /^<svg /);
	assert.notEqual(read('icons/switchhook.svg'), read('icons/switchhook.dark.svg'));
});

test('the codex of each node names it and its documentation', () => {
	for (const [file, type] of [
		['Switchhook', action],
		['SwitchhookTrigger', trigger],
	]) {
		const codex = JSON.parse(read(`dist/nodes/${file}/${file}.node.json`));
		assert.equal(codex.node, `${pack.name}.${type.description.name}`);
		assert.ok(codex.categories.includes('Communication'));
		assert.match(codex.resources.primaryDocumentation[0].url, /README\.md$/);
	}
});

test('every operation of the lists is done by something, and nothing is done that no list shows', () => {
	const shown = {};
	for (const property of action.description.properties.filter(({ name }) => name === 'operation')) {
		const [resource] = property.displayOptions.show.resource;
		shown[resource] = property.options.map(({ value }) => value).sort();
		assert.ok(shown[resource].includes(property.default), `${resource} begins with ${property.default}`);
	}
	const done = Object.fromEntries(Object.entries(actions).map(([name, all]) => [name, Object.keys(all).sort()]));
	assert.deepEqual(shown, done);
	const resources = action.description.properties[0].options.map(({ value }) => value).sort();
	assert.deepEqual(resources, Object.keys(done).sort());
});

test('with any operation, no field is shown twice', () => {
	for (const [resource, all] of Object.entries(actions)) {
		for (const operation of Object.keys(all)) {
			for (const destination of ['channels', 'queue']) {
				const names = action.description.properties
					.filter((one) => fits(one, { resource, operation, destination, returnAll: false }))
					.map(({ name }) => name);
				assert.deepEqual(names, [...new Set(names)], `${resource} ${operation}`);
			}
		}
	}
});

test('what the fields ask for lists with is there', () => {
	for (const type of [action, trigger]) {
		for (const property of every(type.description.properties)) {
			const { loadOptionsMethod } = property.typeOptions ?? {};
			if (loadOptionsMethod) assert.equal(typeof type.methods.loadOptions[loadOptionsMethod], 'function', loadOptionsMethod);
			for (const mode of property.modes ?? []) {
				const search = mode.typeOptions?.searchListMethod;
				if (search) assert.equal(typeof type.methods.listSearch[search], 'function', search);
			}
		}
	}
});

test('every field says what it is for', () => {
	for (const type of [action, trigger]) {
		for (const property of every(type.description.properties)) {
			if (['notice', 'collection', 'fixedCollection'].includes(property.type)) continue;
			if (['resource', 'operation'].includes(property.name)) continue;
			assert.ok(property.description || property.hint, `${property.displayName} has no description`);
		}
	}
});

test('the trigger offers every event that there is a sample of, and begins with received messages only', () => {
	const property = trigger.description.properties.find(({ name }) => name === 'events');
	const samples = readdirSync(new URL('../samples/', here))
		.map((name) => /^([a-z]+\.[a-z]+)\.json$/.exec(name)?.[1])
		.filter(Boolean);
	assert.deepEqual(property.options.map(({ value }) => value).sort(), samples.sort());
	assert.deepEqual(property.default, ['message.received']);
});

test('the action node is a tool for agents and the trigger is not', () => {
	assert.equal(action.description.usableAsTool, true);
	assert.equal(trigger.description.usableAsTool, undefined);
});

test('the credential test recognises a page, an unknown address and a bad key by rules with a way out', () => {
	const { test: probe, properties } = new SwitchhookApi();
	assert.equal(probe.request.url, '/v1/me');
	assert.ok(probe.rules.every(({ properties: { message } }) => /(Make|Enter) /.test(message)));
	assert.equal(properties.find(({ name }) => name === 'apiKey').typeOptions.password, true);
});

// ---- the example workflows ----

const ours = { [`${pack.name}.switchhook`]: action, [`${pack.name}.switchhookTrigger`]: trigger };

for (const name of readdirSync(new URL('examples/', here)).filter((file) => file.endsWith('.json'))) {
	test(`the example ${name} can be imported: its nodes, fields and connections exist`, () => {
		const flow = JSON.parse(read(`examples/${name}`));
		const names = flow.nodes.map((node) => node.name);
		assert.deepEqual(names, [...new Set(names)]);
		assert.ok(
			flow.nodes.some(({ type }) => ours[type]),
			'uses no node of ours',
		);
		for (const node of flow.nodes) {
			const type = ours[node.type];
			if (!type) {
				assert.match(node.type, /^n8n-nodes-base\./);
				continue;
			}
			assert.equal(node.typeVersion, type.description.version);
			assert.equal(node.credentials.switchhookApi.name, 'Switchhook');
			checkFields(
				node.parameters,
				type.description.properties.filter((one) => fits(one, { returnAll: false, ...node.parameters })),
				node.name,
			);
		}
		for (const [from, { main }] of Object.entries(flow.connections)) {
			for (const target of main.flat()) assert.ok(names.includes(from) && names.includes(target.node), `${from} to ${target.node}`);
		}
	});
}

function checkFields(given, properties, where) {
	for (const [name, value] of Object.entries(given)) {
		const property = properties.find((one) => one.name === name);
		assert.ok(property, `${where}: there is no field ${name}`);
		if (property.type === 'collection') checkFields(value, property.options, `${where}, ${name}`);
		if (property.type === 'resourceLocator')
			assert.ok(
				property.modes.some((mode) => mode.name === value.mode),
				`${where}: ${name}`,
			);
		const fixed = property.type === 'options' && !property.typeOptions?.loadOptionsMethod;
		if (fixed)
			assert.ok(
				property.options.some((option) => option.value === value),
				`${where}: ${name} is ${value}`,
			);
		if (property.type === 'multiOptions' && property.options) {
			for (const one of value)
				assert.ok(
					property.options.some((option) => option.value === one),
					`${where}: ${one}`,
				);
		}
	}
	for (const property of properties.filter((one) => one.required && one.type !== 'multiOptions')) {
		assert.ok(property.name in given || property.default, `${where}: ${property.name} is missing`);
	}
}
