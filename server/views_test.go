package server

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/message"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

// fieldsOf lists the JSON names of a struct; true says that the field is always there.
func fieldsOf(kind reflect.Type) map[string]bool {
	fields := map[string]bool{}
	for i := range kind.NumField() {
		f := kind.Field(i)
		if f.Anonymous {
			for name, always := range fieldsOf(f.Type) {
				fields[name] = always
			}
			continue
		}
		name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "-" {
			fields[name] = !strings.Contains(rest, "omitempty")
		}
	}
	return fields
}

func requireSameFields(t *testing.T, name string, s *openapi3.Schema, fields map[string]bool) {
	t.Helper()
	for field, always := range fields {
		require.NotNil(t, s.Properties[field], "%s: the document does not have %s", name, field)
		if !always {
			require.NotContains(t, s.Required, field, "%s: %s may be missing", name, field)
		}
	}
	for _, field := range s.Required {
		require.Contains(t, fields, field, "%s: nothing answers with %s", name, field)
	}
}

func TestWhatHandlersAnswerWithIsWhatTheDocumentDescribes(t *testing.T) {
	t.Parallel()
	doc := loadDocument(t)
	for name, view := range map[string]any{
		"Account": accountView{}, "APIKey": keyView{}, "Channel": channelView{}, "ChannelCheck": checkView{}, "ContactImport": importView{}, "StartedContactImport": startedImportView{}, "CreatedAPIKey": newKeyView{},
		"Connector": connectorView{}, "Delivery": deliveryView{}, "Error": errorBody{}, "EventType": event.Type{}, "Failure": event.Failure{},
		"Field": connectors.Field{}, "FieldError": problem.Field{}, "Login": tokenView{}, "Me": meView{}, "Media": mediaView{}, "Message": messageView{},
		"MessageReceivedData": event.MessageData{}, "MessageStatusData": event.StatusData{}, "ChannelEventData": event.ChannelData{},
		"WebhookDisabledData": event.WebhookData{}, "OutboundResult": outboundView{}, "Template": connectors.Template{}, "TestResult": testView{},
		"User": userView{}, "APIKeyList": list[keyView]{}, "Attempt": attemptView{}, "WebhookWithSecret": webhookView{},
		"DeliveryWithAttempts": deliveryView{}, "Session": sessionView{}, "SessionCode": codeView{}, "PairingCode": pairView{}, "NumberCheck": numberView{},
		"Post": postView{}, "PostOutcome": postOutcome{}, "PostTarget": targetView{}, "PostList": list[postView]{}, "Queue": queueView{}, "QueuePreview": previewView{},
		"Connection": connectionView{}, "StartedConnection": startedView{}, "IncomingWebhook": incomingView{}, "PostEventData": event.PostData{},
		"SessionStatusData": event.SessionStatusData{}, "SessionQRData": event.SessionQRData{},
	} {
		fields := fieldsOf(reflect.TypeOf(view))
		switch name { // two schemas of one view
		case "Delivery":
			delete(fields, "attemptLog")
		case "WebhookWithSecret":
			fields["secret"] = true
		}
		requireSameFields(t, name, doc.Components.Schemas[name].Value, fields)
	}
}

func TestAContactIsShownAsTheDocumentDescribesIt(t *testing.T) {
	t.Parallel()
	var contact any
	require.NoError(t, json.Unmarshal(message.ContactJSON(&store.Contact{ID: 1, Name: "Ann", PhoneNumber: "15551234567"}), &contact))
	require.NoError(t, loadDocument(t).Components.Schemas["Contact"].Value.VisitJSON(contact))
}

func TestEveryStatusOfTheCatalogueIsDescribedSomewhere(t *testing.T) {
	t.Parallel()
	used := map[int]bool{405: true} // of an address that exists, for a method that does not: no operation has it
	eachOperation(loadDocument(t), func(_ string, o *openapi3.Operation, _ bool) {
		for _, entry := range problem.Catalogue() {
			used[entry.Status] = used[entry.Status] || o.Responses.Status(entry.Status) != nil
		}
	})
	for _, entry := range problem.Catalogue() {
		require.True(t, used[entry.Status], "%d %s", entry.Status, entry.Code)
	}
}
