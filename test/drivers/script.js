// What the Node programs have in common: eight scripts played at once, and the text of values.
'use strict';
const fs = require('fs');

function value(field) {
  const text = field.slice(1);
  const element = (each) => each === 'NULL' ? null : field[0] === 'I' ? Number(each) : each;
  switch (field[0]) {
    case 'n': return null;
    case 'i': return Number(text);
    case 't': return text;
    case 'x': return Buffer.from(text, 'hex');
    default: return text.split(',').map(element);
  }
}

function shown(cell) {
  if (cell === null) return '\\N';
  if (Buffer.isBuffer(cell)) return '\\x' + cell.toString('hex');
  // To postgres.js a NULL among numbers is NaN.
  const element = (each) => each === null || Number.isNaN(each) ? 'NULL' : each;
  if (Array.isArray(cell)) return '{' + cell.map(element).join(',') + '}';
  return String(cell);
}

// The values of a line; of `many`, a list of them.
function values(what, fields) {
  if (what !== 'many') return fields.map(value);
  const sets = [[]];
  for (const field of fields)
    if (field === ';') sets.push([]); else sets.at(-1).push(value(field));
  return sets;
}

// Calls a function that must fail, and returns the error's SQLSTATE as a row.
async function fails(call) {
  try {
    await call();
  } catch (error) {
    if (/^[0-9A-Z]{5}$/.test(error.code ?? '')) return [[error.code]];
    throw error;
  }
  return [['no error']];
}

function fail(number, line, question, expected, came) {
  fs.writeSync(1, `connection ${number}, line ${line}: ${question.slice(0, 300)}\n` +
    `  expected: ${String(expected).slice(0, 300)}\n  came:     ${String(came).slice(0, 600)}\n`);
  process.exit(1);
}

async function line(client, number, at, text) {
  const [question, ...expected] = text.split('\t->\t');
  const [what, sql, ...fields] = question.split('\t');
  let came;
  try {
    const rows = await client[what](sql, values(what, fields));
    came = (rows ?? []).map((row) => row.map(shown).join('\t'));
  } catch (error) {
    fail(number, at, question, expected, error.stack);
  }
  if (came.length !== expected.length || came.some((row, k) => row !== expected[k]))
    fail(number, at, question, expected, came);
}

// What does not wait for the line before: drivers queue it, or send it at once as a pipeline.
const together = (text) => /^(ask|prepared)\t/.test(text);

async function play(client, number) {
  const lines = fs.readFileSync(`${process.env.SCRIPT}.${number}`, 'utf8').trimEnd().split('\n');
  let flying = [];
  for (const [k, text] of lines.entries()) {
    if (!together(text)) await Promise.all(flying.splice(0));
    flying.push(line(client, number, k + 1, text));
    if (!together(text)) await Promise.all(flying.splice(0));
  }
  await Promise.all(flying);
  return lines.length;
}

// Plays all scripts over the clients that make() gives; end(client) closes one.
async function main(name, make, end) {
  const clients = await Promise.all(Array.from({length: 8}, make)).catch((error) =>
    fail('any', 0, 'connect', '', error.stack));
  const counts = await Promise.all(clients.map(play));
  await Promise.all(clients.map(end));
  console.log(`${name}: ${counts.reduce((a, b) => a + b)} queries, 0 wrong`);
}

module.exports = {main, fails};
