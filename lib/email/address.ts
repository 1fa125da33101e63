import { domainToASCII } from 'node:url';

const local = /^[\p{L}\p{N}!#$%&'*+/=?^_`{|}~-]+(\.[\p{L}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;
const asciiDomain = /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$/;

/**
 * One address of RFC 5321 as it goes to the wire: domain as lower-case A-labels, local part as typed. Null for anything else:
 * quoted local parts, lists, groups, names, domains without a dot, more than 254 characters (64 before the at sign).
 */
export function parseAddress(text: string): string | null {
  const trimmed = text.trim();
  const at = trimmed.lastIndexOf('@');
  if (at < 1 || trimmed.length > 254) return null;
  const name = trimmed.slice(0, at);
  const domain = domainToASCII(trimmed.slice(at + 1)).toLowerCase();
  if (Buffer.byteLength(name) > 64 || !local.test(name) || !asciiDomain.test(domain)) return null;
  const address = `${name}@${domain}`;
  return address.length <= 254 ? address : null;
}

/** What makes two addresses the same: the whole in lower case, domain as A-labels. Takes what {@link parseAddress} accepted. */
export function addressKey(address: string): string {
  return address.toLowerCase();
}
