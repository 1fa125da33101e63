import { timingSafeEqual } from 'node:crypto';
import { keyedDigest } from '@/lib/env';

/*
 * The word in an unsubscribe link: the delivery's number (8 octets) and 16 octets of a keyed digest of it, base64url. Nothing is
 * stored; who does not have the key can not make one. It never expires: old letters must still unsubscribe.
 */
const numberOctets = 8;
const proofOctets = 16;

/** What a test letter carries in place of a token: it shows the page and unsubscribes nobody. */
export const testToken = 'test';

/** The token of a delivery, and four more octets of its digest, for its Message-ID. */
export function unsubscribeProof(deliveryId: number): { token: string; mark: string } {
  const digest = keyedDigest('unsubscribe', String(deliveryId));
  const token = Buffer.allocUnsafe(numberOctets + proofOctets);
  token.writeBigUInt64BE(BigInt(deliveryId));
  digest.copy(token, numberOctets, 0, proofOctets);
  return { token: token.toString('base64url'), mark: digest.toString('hex', proofOctets, proofOctets + 4) };
}

/** The token of the letter of a delivery. */
export function unsubscribeToken(deliveryId: number): string {
  return unsubscribeProof(deliveryId).token;
}

/** The delivery that a token speaks of; null for anything we did not make. */
export function readUnsubscribeToken(token: string): number | null {
  if (!/^[A-Za-z0-9_-]{32}$/.test(token)) return null;
  const octets = Buffer.from(token, 'base64url');
  const id = octets.readBigUInt64BE();
  if (id < 1n || id > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  const proof = keyedDigest('unsubscribe', String(id)).subarray(0, proofOctets);
  return timingSafeEqual(proof, octets.subarray(numberOctets)) ? Number(id) : null;
}
