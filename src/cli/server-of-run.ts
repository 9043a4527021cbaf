/** The server of `surehook run`, which stops with the process that started it, however that ends. */
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
await import('../main.js');
