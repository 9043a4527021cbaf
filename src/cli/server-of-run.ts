/** The server of `surehook run`, which stops with the process that started it, however that ends. */
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
// That process may have ended while this file was loaded.
if (process.connected) await import('../main.js');
