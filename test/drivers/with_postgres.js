// node `postgres`: named statements by default, and what is asked meanwhile is sent at once, as a pipeline.
'use strict';
const postgres = require('postgres');
const {main, fails} = require('./script.js');

// The parts of a tagged template, as sql`...` gets them; one array per text, by which the driver knows it.
const templates = new Map();
function template(text) {
  if (!templates.has(text)) {
    const parts = text.split(/\$\d+/);
    templates.set(text, Object.assign(parts, {raw: parts}));
  }
  return templates.get(text);
}

async function connect() {
  const sql = postgres({max: 1, onnotice: () => {}});
  await sql`SELECT 1`;
  const ask = (text, values) => sql(template(text), ...values).values();
  return {
    sql,
    ask,
    prepared: ask,
    plain: (text) => sql.unsafe(text).values(),
    stream: async (text, values) => {
      const rows = [];
      await sql(template(text), ...values).cursor(50, (part) => { rows.push(...part.map(Object.values)); });
      return rows;
    },
    many: async (text, sets) => { await Promise.all(sets.map((values) => ask(text, values))); },
    fails: (text, values) => fails(() => ask(text, values)),
    aborted: (text, values) => fails(() => ask(text, values)),
    begin: () => sql.unsafe('BEGIN'),
    commit: () => sql.unsafe('COMMIT'),
    rollback: () => sql.unsafe('ROLLBACK'),
  };
}

const {version} = JSON.parse(require('fs').readFileSync(
  require('path').join(require.resolve('postgres'), '../../../package.json')));
main('postgres.js ' + version, connect, ({sql}) => sql.end());
