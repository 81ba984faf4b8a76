// One POST as Meta may send it: events of three Pages mixed, a Page in two positions, two items in one entry, a standby
// item, and a Page that nobody declared.
import { PAGES } from './manifests.mjs';

const [north, south, roma] = PAGES;
export const UNKNOWN_PAGE = '104500000009999';

const message = (pageId, psid, mid, text) => ({
  sender: { id: psid },
  recipient: { id: pageId },
  timestamp: Date.now(),
  message: { mid, text },
});

export function mixedPost() {
  const time = Date.now();
  return [
    { id: north.pageId, time, messaging: [message(north.pageId, '7001', 'm_north_1', 'Do you open on Sunday? ☀️')] },
    {
      id: roma.pageId,
      time,
      messaging: [message(roma.pageId, '7002', 'm_roma_1', 'One margherita'), message(roma.pageId, '7002', 'm_roma_2', '… and a calzone')],
    },
    { id: UNKNOWN_PAGE, time, messaging: [message(UNKNOWN_PAGE, '7003', 'm_unknown_1', 'Anybody there?')] },
    { id: south.pageId, time, standby: [message(south.pageId, '7004', 'm_south_standby', 'A colleague answers this one')] },
    { id: south.pageId, time, messaging: [message(south.pageId, '7005', 'm_south_1', 'I need an appointment')] },
    { id: north.pageId, time, messaging: [message(north.pageId, '7006', 'm_north_2', 'Läuft das auch auf Deutsch?')] },
  ];
}

export const afterHealing = () => [
  { id: roma.pageId, time: Date.now(), messaging: [message(roma.pageId, '7002', 'm_roma_3', 'Is my pizza on its way?')] },
];
