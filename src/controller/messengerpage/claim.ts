import type { MessengerApp } from '../../api/v1alpha1/types.gen.js';
import type { PageClaim } from '../../core/domain/claim.js';
import { keyText, type NamespacedName } from '../../core/domain/object-key.js';
import { bad, good, type Verdict } from '../verdict.js';
import type { PagePass } from './pass.js';
import type { PageReconcilerDeps } from './ports.js';

/**
 * Has it decided and published who owns (appId, pageId), and judges `Claimed`. `app` undefined: it
 * is gone.
 * @returns the claim's epoch if this page holds it
 * @throws StaleReadError when it is too early to decide, ClusterUnavailableError, NotLeaderError
 */
export async function settleClaim(
  { claims }: Pick<PageReconcilerDeps, 'claims'>,
  pass: PagePass,
  app: MessengerApp | undefined,
): Promise<number | undefined> {
  const { page, report, signal } = pass;
  const appId = app?.spec.appId ?? page.status?.claim?.appId;
  if (appId === undefined) {
    report.judge('Claimed', 'gone');
    return undefined;
  }
  const { claim, holder, recheckAfterMs } = await claims.settle(page, appId, signal);
  report.wake(recheckAfterMs);
  if (claim !== undefined) report.set({ claim });
  report.judge('Claimed', verdictOn(pass, claim, holder));
  return claim?.state === 'Held' ? claim.epoch : undefined;
}

function verdictOn({ page, key }: PagePass, claim: PageClaim | undefined, holder: NamespacedName | undefined): Verdict | 'gone' {
  const { pageId } = page.spec;
  // Accepted says why it is refused.
  if (claim === undefined || claim.state === 'Refused') return 'gone';
  if (claim.state === 'Held') return good(`this object owns page ${pageId} in app ${claim.appId}`);
  if (holder === undefined) {
    return bad(
      'NotProven',
      `page ${pageId} can only be claimed with a token that Graph says is of this Page and this app: put one into the Secret`,
    );
  }
  const who = holder.namespace === key.namespace ? `MessengerPage ${keyText(holder)}` : 'a MessengerPage of another namespace';
  return bad('PageClaimed', `${who} already owns page ${pageId} in app ${claim.appId}: delete one of the two`);
}
