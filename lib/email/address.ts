import { domainToASCII } from 'node:url';

const local = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;
const asciiDomain = /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$/;
/**
 * What may be typed as a domain, in any script. `domainToASCII` reads more than that: it drops what is invisible, decodes `%2e`,
 * and cuts off what begins with a slash, so that a slip of the pen would become somebody else's domain.
 */
const typedDomain = /^(?:[A-Za-z0-9.-]|[^\0-\x7f\p{C}\p{Z}]|[\u200c\u200d])+$/u;

/**
 * One address of RFC 5321 as it goes to the wire: domain as lower-case A-labels, local part as typed (its accents composed). Null
 * for anything else: quoted local parts, lists, groups, names, domains without a dot, more than 254 characters (64 octets before
 * the at sign).
 */
export function parseAddress(text: string): string | null {
  const trimmed = text.trim();
  const at = trimmed.lastIndexOf('@');
  if (at < 1 || trimmed.length > 254) return null;
  const name = trimmed.slice(0, at).normalize('NFC');
  const typed = trimmed.slice(at + 1);
  if (Buffer.byteLength(name) > 64 || !local.test(name) || !typedDomain.test(typed)) return null;
  const domain = domainToASCII(typed).toLowerCase();
  if (!asciiDomain.test(domain)) return null;
  const address = `${name}@${domain}`;
  return address.length <= 254 ? address : null;
}

/** What makes two addresses the same: the whole in lower case, domain as A-labels. Takes what {@link parseAddress} accepted. */
export function addressKey(address: string): string {
  return address.toLowerCase();
}
