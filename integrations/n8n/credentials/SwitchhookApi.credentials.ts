import type { IAuthenticateGeneric, ICredentialTestRequest, ICredentialType, Icon, INodeProperties } from 'n8n-workflow';

/** The address of one's own Switchhook server and a key for it. */
export class SwitchhookApi implements ICredentialType {
	name = 'switchhookApi';

	displayName = 'Switchhook API';

	icon: Icon = {
		light: 'file:../icons/switchhook.svg',
		dark: 'file:../icons/switchhook.dark.svg',
	};

	documentationUrl = 'https://github.com/switchhook/switchhook/blob/main/integrations/n8n/README.md#credentials';

	properties: INodeProperties[] = [
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. https://hooks.example.com',
			description:
				'Where n8n reaches your Switchhook server: its address without anything behind the port. From n8n in a container, "localhost" is that container: use the name or address of the machine.',
		},
		{
			displayName: 'API Key',
			name: 'apiKey',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			description: 'Make one in Switchhook, such as with "switchhook keys create". It begins with sk_live_ and is shown once.',
		},
	];

	authenticate: IAuthenticateGeneric = {
		type: 'generic',
		properties: { headers: { 'X-Api-Key': '={{$credentials.apiKey}}' } },
	};

	test: ICredentialTestRequest = {
		request: {
			baseURL: '={{$credentials.baseUrl.trim().replace(/\\/+$/, "")}}',
			url: '/v1/me',
			disableFollowRedirect: true,
			timeout: 15000,
		},
		rules: [
			{
				type: 'responseCode',
				properties: {
					value: 401,
					message: 'The server does not accept this API key: it was mistyped, revoked or replaced. Make a new one in Switchhook and paste it here.',
				},
			},
			{
				type: 'responseCode',
				properties: {
					value: 404,
					message:
						'A server answers at the Base URL, but it is not Switchhook. Enter the address of your Switchhook server, without a path behind it.',
				},
			},
			{
				// A page in place of JSON has no account either: another program answers at the address.
				type: 'responseSuccessBody',
				properties: {
					key: 'account',
					value: undefined,
					message: 'The Base URL leads to a web page, not to Switchhook. Enter the address of your Switchhook server, without a path behind it.',
				},
			},
		] as ICredentialTestRequest['rules'], // n8n reads rules of both kinds side by side; its type wants one kind
	};
}
