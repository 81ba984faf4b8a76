/** A shorter piece of base64 is found in any text. */
const MIN_BASE64 = 8;

/**
 * The forms in which a value may stand in a text: raw, URL-encoded (three writings), JSON-escaped
 * (plain, with `\/`, all non-ASCII as `\uXXXX`) and base64 (both alphabets, at each of the three
 * places where it can begin in a longer text).
 */
export function secretForms(value: string): readonly string[] {
  if (value === '') return [];
  const forms = new Set<string>([value, ...urlForms(value), ...jsonForms(value)]);
  for (const form of base64Forms(value)) if (form.length >= MIN_BASE64) forms.add(form);
  return [...forms];
}

function urlForms(value: string): string[] {
  const component = encodeURIComponent(value.replace(/[\ud800-\udfff]/g, '\ufffd'));
  const form = new URLSearchParams([['', value]]).toString().slice(1);
  const all = [component, form];
  return [...all, ...all.map((text) => text.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase()))];
}

function jsonForms(value: string): string[] {
  const plain = JSON.stringify(value).slice(1, -1);
  const slashed = plain.replaceAll('/', '\\/');
  const ascii = slashed.replace(/[\u0080-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return [plain, slashed, ascii];
}

/** The characters that depend on the value alone, whatever stands before and behind it. */
function base64Forms(value: string): string[] {
  const bytes = Buffer.from(value, 'utf8');
  const forms: string[] = [];
  for (const before of [0, 1, 2]) {
    const whole = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const last = Math.floor(((before + bytes.length) * 8) / 6);
    const own = whole.slice(before === 0 ? 0 : before + 1, last);
    forms.push(own, own.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return forms;
}
