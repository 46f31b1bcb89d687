package server

import (
	"reflect"
	"testing"
)

func TestSumsAreShownAsTheDocumentDescribesThem(t *testing.T) {
	t.Parallel()
	doc := loadDocument(t)
	for name, view := range map[string]any{
		"Overview": overviewView{}, "DeliveryHour": hourView{}, "DeliveryTotal": outcomesView{}, "WebhookHours": webhookHoursView{}, "WebhookStats": webhookStatsView{},
		"Conversation": conversationView{}, "ConversationList": list[conversationView]{},
	} {
		requireSameFields(t, name, doc.Components.Schemas[name].Value, fieldsOf(reflect.TypeOf(view)))
	}
}
