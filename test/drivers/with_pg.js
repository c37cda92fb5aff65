// node `pg`: unnamed statements unless a query has a name. It queues what is asked meanwhile.
'use strict';
const pg = require('pg');
const {main, fails} = require('./script.js');

async function connect() {
  const client = new pg.Client();
  await client.connect();
  const run = async (query) => (await client.query({rowMode: 'array', ...query})).rows;
  const names = new Map();
  const name = (sql) => names.get(sql) ?? names.set(sql, `q${names.size}`).get(sql);
  const ask = (text, values) => run({text, values});
  return {
    client,
    ask,
    prepared: (text, values) => run({name: name(text), text, values}),
    plain: (text) => run({text}),
    stream: ask,
    many: async (text, sets) => { for (const values of sets) await run({text, values}); },
    fails: (text, values) => fails(() => ask(text, values)),
    aborted: (text, values) => fails(() => ask(text, values)),
    begin: () => run({text: 'BEGIN'}),
    commit: () => run({text: 'COMMIT'}),
    rollback: () => run({text: 'ROLLBACK'}),
  };
}

main('pg ' + require('pg/package.json').version, connect, ({client}) => client.end());
