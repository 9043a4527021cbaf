import {
  IconActivity,
  IconAlertTriangle,
  IconArrowsExchange,
  IconBolt,
  IconBuilding,
  IconHistory,
  IconKey,
  IconRepeat,
  IconSettings,
  IconTags,
  IconWebhook,
} from '@tabler/icons-react';

/** The pages of the navigation and of the command palette, in groups. */
export const NAVIGATION = [
  [
    { to: '/', label: 'Overview', icon: IconActivity, about: 'Live figures and the kill switch' },
    { to: '/issues', label: 'Issues', icon: IconAlertTriangle, about: 'Failures by endpoint and cause' },
  ],
  [
    { to: '/events', label: 'Events', icon: IconBolt, about: 'Facts that were published' },
    {
      to: '/deliveries',
      label: 'Deliveries',
      icon: IconArrowsExchange,
      about: 'Events on their way to endpoints',
    },
    { to: '/endpoints', label: 'Endpoints', icon: IconWebhook, about: 'Receivers and their settings' },
    { to: '/replay', label: 'Replay', icon: IconRepeat, about: 'Deliver again, by a filter' },
  ],
  [
    { to: '/event-types', label: 'Event types', icon: IconTags, about: 'The catalogue, with schemas' },
    { to: '/tenants', label: 'Tenants', icon: IconBuilding, about: 'Customers and their portal links' },
    { to: '/api-keys', label: 'API keys', icon: IconKey, about: 'Who may call the API' },
    { to: '/audit', label: 'Audit', icon: IconHistory, about: 'Who changed what' },
    { to: '/settings', label: 'Settings', icon: IconSettings, about: 'What is configured' },
  ],
] as const;

export const EVERY_PAGE = NAVIGATION.flat();
