// Old syntax and no imports: this has to be understood by the Node that is too old.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    'Mailroom needs Node.js 20.19 or newer; this is ' +
      process.versions.node +
      '. Get a newer one from https://nodejs.org',
  );
  process.exit(1);
}
