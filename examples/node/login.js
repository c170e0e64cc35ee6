// The second step of a login, with node-postgres (npm install pg) and its pool.
//
//     DATABASE_URL=postgresql://app@db.example.com/shop node login.js
//
// beginLogin and finishLogin are what a web application calls in its handlers. Here, lines on standard
// input stand for the web: "begin NUMBER", then "finish NUMBER CODE", or with the id of the request in
// place of the number.
'use strict';

const readline = require('node:readline');
const { Pool } = require('pg');

const SEND_LIMIT_REACHED = 'MF001';

// Queries without a name are not prepared beyond their own run: good behind a PgBouncer, too.
const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 4 });
pool.on('error', (error) => console.error(`an idle connection was lost: ${error.code}`));

class SendLimitReached extends Error {} // its message says when the next code may be asked for

// Sends a code; answers the id of the request, to keep in the person's session.
async function beginLogin(phone) {
  try {
    const { rows } = await pool.query('SELECT mfa_send($1) AS request', [phone]);
    return rows[0].request;
  } catch (error) {
    if (error.code === SEND_LIMIT_REACHED) throw new SendLimitReached(error.detail);
    throw error;
  }
}

// Tries a code, for the id of a request or for a number. "verified" is the only good status.
async function finishLogin(request, code) {
  const { rows } = await pool.query('SELECT status, attempts_left FROM mfa_check($1, $2)', [request, code]);
  return rows[0];
}

async function serve(line) {
  const [verb, who, code] = line.trim().split(/\s+/);
  if (verb === 'begin' && who) {
    try {
      return `request ${await beginLogin(who)}`;
    } catch (error) {
      if (error instanceof SendLimitReached) return `not yet: ${error.message}`;
      throw error;
    }
  }
  if (verb === 'finish' && code) {
    const { status, attempts_left: attemptsLeft } = await finishLogin(who, code);
    if (status === 'verified') return 'welcome';
    if (status === 'wrong') return `wrong code; attempts left: ${attemptsLeft}`;
    return `please ask for a new code: ${status}`;
  }
  return 'begin NUMBER, or finish NUMBER|REQUEST CODE';
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) console.log(await serve(line));
  await pool.end();
}

main().catch((error) => {
  console.error(`${error.code}: ${error.message}`);
  process.exit(1);
});
