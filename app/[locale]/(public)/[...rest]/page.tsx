import { notFound } from 'next/navigation';

// Not kept: anybody can think up addresses without end. Below a private address it also has to carry the nonce of the request.
export const dynamic = 'force-dynamic';

/** Any address that no page has: without this one they would get a bare answer in no language. */
export default function NoSuchPage() {
  notFound();
}
