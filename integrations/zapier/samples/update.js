'use strict';

// Copies the golden events of the project, which its server writes: Zapier packs only this folder. A test tells when they differ.
const fs = require('node:fs');
const path = require('node:path');

const golden = path.join(__dirname, '../../samples');
for (const name of fs.readdirSync(golden).filter((file) => /^\w+\.\w+\.json$/.test(file))) {
  // a further part in a name is another format
  fs.copyFileSync(path.join(golden, name), path.join(__dirname, name));
}
