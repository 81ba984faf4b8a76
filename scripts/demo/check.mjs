// The judge. It shares no code with the operator: it reads the simulator's records over HTTP and the files that the bots
// write, and compares them with what the story should have done.
import { until } from './processes.mjs';
import { readRecords } from './story.mjs';

const sameSet = (a, b) => a.length === b.length && [...a].sort().join() === [...b].sort().join();

/** Every item of a POST with the id of its entry's Page, in order. */
function itemsOf(post) {
  return post.flatMap((entry) =>
    ['messaging', 'standby'].flatMap((channel) => (entry[channel] ?? []).map((item) => ({ item, channel, pageId: entry.id }))),
  );
}

export class Checker {
  #results = [];
  #handledSoFar = [];

  /** facts: {sim, pages: [{pageId, bot, greeting}], recordFiles: {bot: file}, appId, tokenOf(pageId)} */
  constructor(facts, deadlineMs) {
    this.facts = facts;
    this.deadlineMs = deadlineMs;
  }

  async eventually(what, probe) {
    // Once something failed the verdict stands: the rest is looked at, not waited for.
    const deadlineMs = this.#results.every((result) => result.ok) ? this.deadlineMs : 5_000;
    const ok = (await until(probe, deadlineMs)) !== undefined;
    this.#results.push({ what, ok });
    console.log(`     ${ok ? '✓' : '✗'} ${what}`);
    return ok;
  }

  /** Graph's own list of fields for our app on each Page is exactly this set; with `by`, the last write came from the operator. */
  async subscribed(what, pageIds, fields) {
    return this.eventually(what, async () => {
      const rows = await Promise.all(pageIds.map((pageId) => this.facts.sim.fieldsOf(pageId)));
      return rows.every((row) => row !== undefined && sameSet(row, fields));
    });
  }

  async unsubscribed(what, pageId) {
    return this.eventually(what, async () => (await this.facts.sim.fieldsOf(pageId)) === undefined);
  }

  /** Every item for a known Page is in its own bot's record once, and nothing else is in any bot's record. */
  async handled(what, post) {
    const known = itemsOf(post).filter(({ pageId }) => this.#page(pageId) !== undefined);
    const wanted = [...this.#handledSoFar, ...known].map(
      ({ item, channel, pageId }) => `${this.#page(pageId).bot} ${pageId} ${item.message.mid} ${channel} ${item.message.text}`,
    );
    this.#handledSoFar.push(...known);
    const ok = await this.eventually(what, () => sameSet(this.#records(), wanted));
    if (!ok)
      console.log(
        `       wanted ${wanted.length} records, the bots have:\n${this.#records()
          .map((line) => `         ${line}`)
          .join('\n')}`,
      );
    return ok;
  }

  /** Every text outside standby was answered once: sent with that Page's token, to that person, with that Page's greeting. */
  async replied(what, post) {
    const wanted = itemsOf(post)
      .filter(({ pageId, channel }) => channel === 'messaging' && this.#page(pageId) !== undefined)
      .map(
        ({ item, pageId }) =>
          `${pageId} ${this.facts.tokenOf(pageId)} ${item.sender.id} ${this.#page(pageId).greeting} You wrote "${item.message.text}".`,
      );
    const ok = await this.eventually(what, async () => {
      const sent = (await this.facts.sim.messages()).map(
        (message) => `${message.pageId} ${message.token} ${message.recipient} ${message.text}`,
      );
      return wanted.every((line) => sent.filter((other) => other === line).length === 1) && sent.length === this.#repliesWanted();
    });
    return ok;
  }

  async conversation() {
    const messages = await this.facts.sim.messages();
    return messages.map(({ pageId, text }) => `${this.#page(pageId)?.pageName ?? pageId} → ${text}`);
  }

  report(say) {
    const failed = this.#results.filter(({ ok }) => !ok);
    say(
      `\nThe checker read the simulator's and the bots' own records: ${this.#results.length - failed.length} of ${this.#results.length} as they should be.`,
    );
    for (const { what } of failed) say(`  ✗ ${what}`);
    return failed.length === 0 && this.#results.length > 0;
  }

  #repliesWanted() {
    return this.#handledSoFar.filter(({ channel }) => channel === 'messaging').length;
  }

  #page(pageId) {
    return this.facts.pages.find((page) => page.pageId === pageId);
  }

  #records() {
    return Object.values(this.facts.recordFiles)
      .flatMap(readRecords)
      .map(({ bot, pageId, mid, standby, text }) => `${bot} ${pageId} ${mid} ${standby ? 'standby' : 'messaging'} ${text}`);
  }
}
