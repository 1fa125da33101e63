/** Without what is mistaken for one another (0 O, 1 l I), and without marks that a phone hides. */
const alphabet = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';

/** A password of 20 characters in groups of five, about 116 random bits. Runs in the browser and on the server. */
export function generatePassword(): string {
  const picked: string[] = [];
  while (picked.length < 20) {
    // Bytes beyond the last whole multiple would make some characters likelier.
    for (const byte of crypto.getRandomValues(new Uint8Array(40))) {
      const sign = byte < alphabet.length * 4 ? alphabet[byte % alphabet.length] : undefined;
      if (sign && picked.length < 20) picked.push(sign);
    }
  }
  return picked.join('').replace(/.{5}(?=.)/g, '$&-');
}
