import { createLogger } from '../../src/logger.js';
import { installTemporalLogger } from '../../src/temporal.js';

/** Warnings of the SDK are expected where tests misbehave on purpose; errors are not. */
installTemporalLogger(createLogger('error'));
